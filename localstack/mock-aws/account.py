"""What is in the mock account: moto's own resources of the types below, and the recorded ones.

Left out are parts of what is listed, which go with it (permissions, rules of groups, associations, subscriptions), and
custom resources, which leave nothing in an account.
"""

import json
from typing import Any, Iterator

import recorded
from moto.awslambda.models import lambda_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

Item = tuple[str, str, dict[str, Any]]


def of_moto(region: str) -> Iterator[Item]:
    """(type, id, properties that are asked for) of each."""
    account = DEFAULT_ACCOUNT_ID
    functions, ec2 = lambda_backends[account][region], ec2_backends[account][region]
    for function in functions.list_functions():
        yield "AWS::Lambda::Function", function.function_name, {}
    for mapping in functions.list_event_source_mappings(None, None):
        yield "AWS::Lambda::EventSourceMapping", mapping.uuid, {}
    for role in iam_backends[account]["aws"].roles.values():
        yield "AWS::IAM::Role", role.name, {}
    for vpc_id in ec2.vpcs:
        yield "AWS::EC2::VPC", vpc_id, {}
    for subnet_id in [one for zone in ec2.subnets.values() for one in zone]:
        yield "AWS::EC2::Subnet", subnet_id, {}
    for table_id in ec2.route_tables:
        yield "AWS::EC2::RouteTable", table_id, {}
    for endpoint in ec2.vpc_end_points.values():
        if endpoint.state != "deleted":  # which moto keeps, as AWS does for a while
            yield "AWS::EC2::VPCEndpoint", endpoint.id, {}
    for group_id in [one for groups in ec2.groups.values() for one in groups]:
        yield "AWS::EC2::SecurityGroup", group_id, {}
    for name in logs_backends[account][region].groups:
        yield "AWS::Logs::LogGroup", name, {}
    for queue in sqs_backends[account][region].queues.values():
        yield "AWS::SQS::Queue", queue.name, {}
    for bus in events_backends[account][region].event_buses.values():
        for rule in bus.rules.values():
            yield "AWS::Events::Rule", rule.name, {"ScheduleExpression": rule.scheduled_expression}
    for name in s3_backends[account]["aws"].buckets:
        yield "AWS::S3::Bucket", name, {}
    for arn in sns_backends[account][region].topics:
        yield "AWS::SNS::Topic", arn, {}
    for name in cloudwatch_backends[account][region].dashboards:
        yield "AWS::CloudWatch::Dashboard", name, {}
    for name in rds_backends[account][region].subnet_groups:
        yield "AWS::RDS::DBSubnetGroup", name, {}


def of_records() -> Iterator[Item]:
    for one in recorded.existing.values():
        yield one.type_name, one.physical_resource_id, one.properties


def listing(region: str) -> bytes:
    """All as JSON; moto's own resources stand as text in the properties of others."""
    keys = ("type", "id", "properties")
    return json.dumps([dict(zip(keys, one)) for one in [*of_moto(region), *of_records()]], default=str).encode()
