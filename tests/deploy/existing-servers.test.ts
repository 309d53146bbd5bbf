// A stage on a cluster, a database and a network that exist passes the same assertions as one with its own, makes none of
// them, and lets functions out to the groups that their owners named.

import { expect, test } from "vitest";
import { checkPackaged, readPackaged } from "../../commands/deploy-check/assertions.ts";
import { resourcesOf } from "../../commands/deploy-check/template.ts";
import { isProperties } from "../../localstack/event-source-mapping/settings.ts";
import { existing, packageStage, parameters } from "./packaged.ts";

const { cluster, database, network } = existing;

const variants = [
  ["cluster, database and network", { ...cluster, ...database, ...network }, ["sg-0a1b2c3d", "sg-0c1d2c3d"]],
  ["cluster and network", { ...cluster, ...network }, ["sg-0a1b2c3d", { Ref: "DatabaseSecurityGroup" }]],
  ["database and network", { ...database, ...network }, [{ Ref: "KafkaSecurityGroup" }, "sg-0c1d2c3d"]],
] as const;

test.each(variants)("%s that exist", async (_name, given, destinations) => {
  const run = await packageStage("prod", { ...parameters, ...given });
  try {
    expect(run.output).toContain("Service packaged");
    const packaged = await readPackaged(run.folder);
    expect(await checkPackaged(packaged)).toEqual([]);
    const { template } = packaged;
    const letOut = resourcesOf(template, "AWS::EC2::SecurityGroup").flatMap(([, { SecurityGroupEgress }]) =>
      [SecurityGroupEgress ?? []].flat().filter(isProperties),
    );
    const groups = letOut.flatMap(({ DestinationSecurityGroupId: to }) => (to === undefined ? [] : [to]));
    expect(groups).toEqual(destinations);
    const types = Object.values(template.Resources).map(({ Type }) => Type);
    expect(types).not.toContain("AWS::EC2::VPC");
    expect(types.filter((type) => type.startsWith("AWS::MSK::"))).toHaveLength(
      "MSK_CLUSTER_ARN" in given ? 0 : 1,
    );
    expect(types.filter((type) => type === "AWS::RDS::DBCluster")).toHaveLength(
      "POSTGRES_HOST" in given ? 0 : 1,
    );
  } finally {
    await run.remove();
  }
});
