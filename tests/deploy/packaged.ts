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
