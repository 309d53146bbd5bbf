"""Resource types that moto has no CloudFormation model for: created, changed and removed as records.

A record knows what `Ref` and `Fn::GetAtt` give, so that outputs, roles and environments hold values of AWS's form. A
type that neither moto nor this table knows is refused: nothing is skipped silently.
"""

import uuid
from typing import Any

from moto.core.common_models import CloudFormationModel

# type: (what Ref gives, {attribute: what GetAtt gives}); {id} is ten letters and digits of the resource's own, {name} its
# name in the template or one made from the stack's, {arn} begins an ARN up to the account.
KNOWN: dict[str, tuple[str, dict[str, str]]] = {
    "AWS::ApiGatewayV2::Api": ("{id}", {"ApiEndpoint": "https://{id}.execute-api.{region}.amazonaws.com"}),
    "AWS::ApiGatewayV2::Authorizer": ("{id}", {}),
    "AWS::ApiGatewayV2::Integration": ("{id}", {}),
    "AWS::ApiGatewayV2::Route": ("{id}", {}),
    "AWS::ApiGatewayV2::Stage": ("$default", {}),
    "AWS::CloudWatch::Alarm": ("{name}", {}),
    "AWS::MSK::Cluster": ("arn:aws:kafka:{arn}:cluster/{name}/{uuid}-5", {}),
    "AWS::MSK::Configuration": ("arn:aws:kafka:{arn}:configuration/{name}/{uuid}-5", {
        "Arn": "arn:aws:kafka:{arn}:configuration/{name}/{uuid}-5",
        "LatestRevision.Revision": "1",
    }),
    "AWS::MSK::ServerlessCluster": ("arn:aws:kafka:{arn}:cluster/{name}/{uuid}-s1", {}),
    "AWS::RDS::DBCluster": ("{name}", {
        "Endpoint.Address": "{name}.cluster-{id}.{region}.rds.amazonaws.com",
        "DBClusterResourceId": "cluster-{id}",
    }),
    "AWS::RDS::DBClusterParameterGroup": ("{name}", {}),
    "AWS::RDS::DBInstance": ("{name}", {}),
    "AWS::SNS::Subscription": ("arn:aws:sns:{arn}:{name}:{uuid}", {}),
    "AWS::S3::BucketPolicy": ("{name}", {}),  # stored, moto would enforce its Deny without the Condition
}  # fmt: skip

NAMES = ("ClusterName", "DBClusterIdentifier", "DBInstanceIdentifier", "AlarmName", "Name")

#: What exists now, by account, region and physical id.
existing: dict[str, "RecordedResource"] = {}


class RecordedResource:
    """What all records share; one class of each type is made below, as moto finds models by their class."""

    type_name = ""

    def __init__(self, name: str, properties: dict[str, Any], account_id: str, region: str):
        self.properties = properties
        given = next((properties[key] for key in NAMES if isinstance(properties.get(key), str)), None)
        own = uuid.uuid4()
        self._words = {
            "name": (given or name).lower() if "RDS" in self.type_name else given or name,
            "id": own.hex[:10],
            "uuid": str(own),
            "region": region,
            "arn": f"{region}:{account_id}",
        }
        self._ref, self._attributes = KNOWN[self.type_name]
        self._key = f"{account_id} {region} {self.type_name} {self.physical_resource_id} {own.hex}"
        existing[self._key] = self

    @property
    def physical_resource_id(self) -> str:
        return self._ref.format(**self._words)

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.type_name

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in KNOWN[cls.type_name][1]

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self._attributes[attribute_name].format(**self._words)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> "RecordedResource":
        return cls(resource_name, cloudformation_json["Properties"], account_id, region_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "RecordedResource",
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "RecordedResource":
        original_resource.properties = cloudformation_json["Properties"]
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        existing.pop(self._key, None)

    def is_created(self) -> bool:
        return True


models: dict[str, type] = {
    name: type(name.replace("::", ""), (RecordedResource, CloudFormationModel), {"type_name": name}) for name in KNOWN
}
for model in models.values():
    model.__abstractmethods__ = frozenset()
