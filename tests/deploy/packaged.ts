// The stack as `serverless package` makes it for a stage, once for a test file.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PackageRun {
  readonly code: number;
  readonly output: string;
  readonly folder: string;
  remove(): Promise<void>;
}

/** What a person has to give: who issues the API's tokens. */
export const parameters = { JWT_ISSUER: "https://issuer.example.com", JWT_AUDIENCE: "smartgrid" };

/** What is there already, in its owner's network and security groups. */
export const existing = {
  cluster: {
    MSK_CLUSTER_ARN:
      "arn:aws:kafka:eu-central-1:123456789012:cluster/grid/0a1b2c3d-0000-4000-8000-000000000000-2",
    KAFKA_SECURITY_GROUP_ID: "sg-0a1b2c3d",
  },
  database: {
    POSTGRES_HOST: "db.example.com",
    POSTGRES_RESOURCE_ID: "cluster-ABC123",
    POSTGRES_SECURITY_GROUP_ID: "sg-0c1d2c3d",
    POSTGRES_OWNER: "grid_owner",
  },
  network: { VPC_ID: "vpc-0a1b2c3d", SUBNET_IDS: "subnet-0a1b2c3a,subnet-0a1b2c3b" },
};

export async function packageStage(
  stage: string,
  environment: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<PackageRun> {
  const folder = await mkdtemp(join(tmpdir(), "smartgrid-package-"));
  const args = [
    "node_modules/serverless/bin/serverless.js",
    "package",
    "--stage",
    stage,
    "--package",
    folder,
    ...more,
  ];
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ...environment,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : Number(error.code ?? -1),
        output: `${stdout}${stderr}`,
        folder,
        remove: () => rm(folder, { recursive: true, force: true }),
      }),
    );
  });
}
