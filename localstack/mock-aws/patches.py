"""What moto lacks for this stack, put in its place before the server starts."""

import os
import uuid
from typing import Any

import recorded
from moto.awslambda import models as lambda_models
from moto.cloudformation import models as stack_models
from moto.cloudformation import parsing
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.vpcs import VPCEndPoint
from moto.iam.models import iam_backends
from moto.sqs.models import sqs_backends


def know_more_types() -> None:
    """The recorded types, before moto's own of the same name; all others are refused instead of skipped."""
    of_moto = parsing.get_model_map

    def class_of(resource_type: str) -> Any:
        if resource_type.startswith("Custom::"):
            return CustomModel
        found = recorded.models.get(resource_type) or of_moto().get(resource_type)
        if found is None and resource_type not in parsing.NULL_MODELS:
            raise ValidationError(message=f"the mock knows no resource of type {resource_type}")
        return found

    name_type_of_moto = parsing.resource_name_property_from_type
    parsing.resource_class_from_type = class_of
    parsing.resource_name_property_from_type = lambda resource_type: (
        None if resource_type in recorded.models else name_type_of_moto(resource_type)
    )


def only_errors_are_invalid() -> None:
    """moto takes cfn-lint's warnings for an invalid template, among them W3005, which osls' templates always have."""
    lint = stack_models.validate_template_cfn_lint
    stack_models.validate_template_cfn_lint = lambda template: [
        match for match in lint(template) if match.rule.id.startswith("E")
    ]


def keep_outputs() -> None:
    """moto works out outputs and exports before a change set's resources are there, and forgets those that come with it."""
    apply = stack_models.ChangeSet.apply

    def apply_and_look(change_set: Any) -> None:
        apply(change_set)
        change_set.stack.template = change_set.template
        change_set.stack._parse_template()
        stack = change_set.stack
        stack.output_map = stack._create_output_map()
        backend = stack_models.cloudformation_backends[stack.account_id][stack.region_name]
        backend.exports.update({one.name: one for one in stack.exports})

    stack_models.ChangeSet.apply = apply_and_look


def accept_deployment_steps() -> None:
    """Custom resources are taken to have succeeded; the functions behind them are run by tests of their own."""

    def create(resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any) -> Any:
        token = cloudformation_json["Properties"]["ServiceToken"]
        lambda_models.get_backend(account_id, region_name).get_function(token)  # refuses what is no function
        step = CustomModel(region_name, str(uuid.uuid4()), more["LogicalId"], resource_name)
        step.set_data({"Result": f"{token.rsplit(':', 1)[-1]} was not run: this is a mock"})
        return step

    def update(original_resource: Any, **_: Any) -> Any:
        return original_resource

    CustomModel.create_from_cloudformation_json = staticmethod(create)
    CustomModel.update_from_cloudformation_json = staticmethod(update)
    CustomModel.delete = lambda self, account_id, region_name: None


def trigger_from_kafka() -> None:
    """Event source mappings of MSK clusters: what they name has to be there. Their settings are deploy:check's to judge."""
    mapping = lambda_models.EventSourceMapping
    create_other = lambda_models.LambdaBackend.create_event_source_mapping

    mapping.event_source_arn = property(
        lambda self: self._event_source_arn, lambda self, arn: setattr(self, "_event_source_arn", arn)
    )
    mapping.batch_size = property(
        lambda self: self._batch_size, lambda self, size: setattr(self, "_batch_size", int(size or 100))
    )

    def refuse(why: str) -> None:
        raise ValidationError(message=f"AWS::Lambda::EventSourceMapping: {why}")

    def check(backend: Any, spec: dict[str, Any], function: Any) -> None:
        clusters = [one.physical_resource_id for one in recorded.existing.values() if "MSK" in one.type_name]
        # The one that the stage is deployed onto is its owner's: it was there before.
        if spec["EventSourceArn"] not in [*clusters, os.environ.get("MSK_CLUSTER_ARN")]:
            refuse(f"no cluster {spec['EventSourceArn']}")
        destination = ((spec.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        queues = [queue.queue_arn for queue in sqs_backends[backend.account_id][backend.region_name].queues.values()]
        if destination is not None and destination not in queues:
            refuse(f"no queue {destination}")
        iam_backends[backend.account_id]["aws"].get_role_by_arn(function.role)

    def create(backend: Any, spec: dict[str, Any]) -> Any:
        if ":kafka:" not in str(spec.get("EventSourceArn")):
            return create_other(backend, spec)
        function = backend.get_function(spec["FunctionName"])
        check(backend, spec, function)
        spec.update(RegionName=backend.region_name, AccountId=backend.account_id, FunctionArn=function.function_arn)
        created = mapping(spec)
        backend._event_source_mappings[created.uuid] = created
        return created

    lambda_models.LambdaBackend.create_event_source_mapping = create


def keep_architecture() -> None:
    """moto forgets that functions are arm64."""
    create = lambda_models.LambdaFunction.create_from_cloudformation_json.__func__

    def create_and_keep(cls: Any, resource_name: str, cloudformation_json: Any, *rest: Any, **more: Any) -> Any:
        function = create(cls, resource_name, cloudformation_json, *rest, **more)
        function.architectures = cloudformation_json["Properties"].get("Architectures", ["x86_64"])
        return function

    lambda_models.LambdaFunction.create_from_cloudformation_json = classmethod(create_and_keep)


def protect_stacks() -> None:
    """moto takes no termination protection after a stack was made, and removes what is protected."""
    delete = CloudFormationResponse.delete_stack

    def update_termination_protection(response: Any) -> ActionResult:
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
        stack.enable_termination_protection = response._get_bool_param("EnableTerminationProtection")
        return ActionResult({"StackId": stack.stack_id})

    def delete_unprotected(response: Any) -> ActionResult:
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
        if stack.enable_termination_protection:
            raise ValidationError(message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        return delete(response)

    CloudFormationResponse.update_termination_protection = update_termination_protection
    CloudFormationResponse.delete_stack = delete_unprotected


def remove_network() -> None:
    """moto cannot remove route tables and endpoints of a stack, and then not the network that they are in."""

    def delete_table(table: Any, account_id: str, region_name: str) -> None:
        if table.id not in table.ec2_backend.route_tables:
            return  # moto removes a network's last table with the network
        for association in list(table.associations):
            table.ec2_backend.disassociate_route_table(association)
        table.ec2_backend.delete_route_table(table.id)

    def delete_endpoint(endpoint: Any, account_id: str, region_name: str) -> None:
        backend = endpoint.ec2_backend
        endpoint.route_table_ids = [one for one in endpoint.route_table_ids or [] if one in backend.route_tables]
        backend.delete_vpc_endpoints([endpoint.id])

    RouteTable.delete = delete_table
    VPCEndPoint.delete = delete_endpoint


def apply_all() -> None:
    know_more_types()
    only_errors_are_invalid()
    keep_outputs()
    accept_deployment_steps()
    trigger_from_kafka()
    keep_architecture()
    protect_stacks()
    remove_network()
