// A stack on a cluster, a database and a network that exist: complete, and with ways to them.

import { expect, test } from "vitest";
import { checkPackaged, readPackaged } from "../../scripts/deploy-check/assertions.ts";
import { REGION } from "../../scripts/deploy-check/template.ts";
import { packageStage, parameters } from "./packaged.ts";

test("packages, has nothing to complain about, and makes neither cluster nor database nor network", async () => {
  const run = await packageStage(
    "prod",
    {
      ...parameters,
      MSK_CLUSTER_ARN: `arn:aws:kafka:${REGION}:123456789012:cluster/grid/0a1b2c3d-0000-4000-8000-000000000000-2`,
      MSK_SECURITY_GROUP_ID: "sg-0000000a",
      POSTGRES_HOST: "grid.example.com",
      POSTGRES_PORT: "6432",
      POSTGRES_RESOURCE_ID: "cluster-ABC123",
      POSTGRES_SECURITY_GROUP_ID: "sg-0000000b",
      VPC_ID: "vpc-0000000c",
      SUBNET_IDS: "subnet-0000000d,subnet-0000000e",
    },
    ["--region", REGION],
  );
  try {
    expect(run.output).toContain("Service packaged");
    const packaged = await readPackaged(run.folder);
    expect(await checkPackaged(packaged)).toEqual([]);
    const { Resources } = packaged.template;
    expect(Resources.FunctionsToKafka?.Properties).toMatchObject({
      ...{ GroupId: { Ref: "FunctionSecurityGroup" }, DestinationSecurityGroupId: "sg-0000000a" },
      ...{ FromPort: 9098, ToPort: 9098 },
    });
    expect(Resources.FunctionsToDatabase?.Properties).toMatchObject({
      ...{ GroupId: { Ref: "FunctionSecurityGroup" }, DestinationSecurityGroupId: "sg-0000000b" },
      ...{ FromPort: "6432", ToPort: "6432" },
    });
    const made = Object.values(Resources).filter(({ Type }) =>
      /^AWS::(MSK|RDS)::|^AWS::EC2::(VPC|Subnet)/.test(Type),
    );
    expect(made).toEqual([]);
  } finally {
    await run.remove();
  }
});
