import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Packaged, readPackaged } from "../../scripts/deploy-check/assertions.ts";
import { allowedBy } from "../../scripts/deploy-check/permissions.ts";
import { functionsOf, REGION } from "../../scripts/deploy-check/template.ts";
import { type AwsAround, environmentOf, startAwsAround, unpackFunction } from "./lambda.ts";
import { type IamCluster, startIamCluster } from "./msk/cluster.ts";
import { type PackageRun, packageStage, parameters } from "./packaged.ts";
import { startFunction } from "./warm-function.ts";

let run: PackageRun;
let packaged: Packaged;
let cluster: IamCluster;
let aws: AwsAround;
beforeAll(async () => {
  let t = Date.now();
  const lap = (x: string) => {
    console.log(x, Date.now() - t);
    t = Date.now();
  };
  run = await packageStage("prod", parameters);
  packaged = await readPackaged(run.folder);
  lap("packaged");
  const ids = functionsOf(packaged.template).map((view) => ({
    principal: view.key,
    allowed: [...allowedBy(packaged.template, view)],
  }));
  console.log(
    JSON.stringify(
      ids.map((i) => [i.principal, i.allowed.filter((x) => x.startsWith("kafka-cluster"))]),
      null,
      1,
    ),
  );
  cluster = await startIamCluster(REGION, ids);
  lap("cluster");
  aws = await startAwsAround(cluster.brokers, {});
});
afterAll(async () => {
  await Promise.all([cluster?.close(), run?.remove(), aws?.close()]);
});
test("x", async () => {
  await cluster.admin.createTopics({
    topics: ["sensor-data", "weather-data", "meter-readings"].map((t) => ({
      topic: `smartgrid-${t}`,
      numPartitions: 2,
    })),
  });
  let t = Date.now();
  const lap = (x: string) => {
    console.log(x, Date.now() - t);
    t = Date.now();
  };
  for (const name of ["produce-weather"]) {
    const c = cluster.credentialsOf(name);
    const f = await startFunction(await unpackFunction(run.folder, run.folder + "/x", name), name, {
      ...environmentOf(packaged.template, name),
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: c.accessKeyId,
      AWS_SECRET_ACCESS_KEY: c.secretAccessKey,
      AWS_SESSION_TOKEN: c.sessionToken,
      NODE_EXTRA_CA_CERTS: cluster.caFile,
      AWS_ENDPOINT_URL_KAFKA: aws.url,
    });
    lap("start");
    console.log(await f.invoke({}), f.log());
    lap("invoke");
    console.log(await f.invoke({}), f.log());
    lap("invoke");
    await f.stop();
    console.log(cluster.front.logins);
  }
});
