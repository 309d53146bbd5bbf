"""What a stage is deployed onto that is its owner's (VPC_ID, SUBNET_IDS): there before the stack, and after it."""

import os
from unittest.mock import patch

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends, subnets, vpcs


def make_network(region: str) -> None:
    """Where one is named. moto gives ids by chance, so for a moment chance gives these."""
    vpc_id, subnet_ids = os.environ.get("VPC_ID"), os.environ.get("SUBNET_IDS")
    if not vpc_id or not subnet_ids:
        return
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    with patch.object(vpcs, "random_vpc_id", lambda: vpc_id):
        ec2.create_vpc("10.0.0.0/16")
    zones = ec2.describe_availability_zones()
    for index, subnet_id in enumerate(subnet_ids.split(",")):
        with patch.object(subnets, "random_subnet_id", lambda: subnet_id):
            ec2.create_subnet(vpc_id, f"10.0.{index}.0/24", availability_zone=zones[index % len(zones)].name)
