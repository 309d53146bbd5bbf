// `npm run deploy:check [-- --stage prod] [--region REGION] [--param NAME=VALUE] [--static]`: what a person runs before
// deploying. Packages the stage, asks cfn-lint, checkov and our own assertions, and deploys, changes and removes it against a
// mock AWS. Needs no account.

import { InvalidArgumentError, program } from "commander";
import { messageOf } from "../../lib/log.ts";
import { runServerless } from "../terminal/run-command.ts";
import { checkPackaged, readPackaged, TEMPLATE_FILE } from "./assertions.ts";
import { environment, madeUp } from "./environment.ts";
import { checkMockDeploy } from "./mock-deploy.ts";
import { installTools, runTool } from "./python.ts";
import { REGION } from "./template.ts";

const PACKAGE = ".local/deploy-check/package";
const TEMPLATE = `${PACKAGE}/${TEMPLATE_FILE}`;

interface Options {
  readonly stage: string;
  readonly region: string;
  readonly param: readonly string[];
  readonly static: boolean;
}

function deployedStage(stage: string): string {
  if (stage === "local") throw new InvalidArgumentError("The stage local is for this machine (npm start).");
  return stage;
}

const options = program
  .name("npm run deploy:check --")
  .description(
    "Checks what can be checked without an AWS account: packages the stage, runs cfn-lint, checkov and our own " +
      "assertions, then deploys, updates and removes the stage on a mock AWS.",
  )
  .option("--stage <stage>", "as in `serverless deploy`", deployedStage, "prod")
  .option(
    "--region <region>",
    "region to package for (AWS_REGION where that is set)",
    process.env.AWS_REGION ?? REGION,
  )
  .option(
    "--param <name=value>",
    "as in `serverless deploy`; may be repeated",
    (param, before: readonly string[]) => [...before, param],
    [],
  )
  .option("--static", "do not deploy to the mock AWS", false)
  .parse()
  .opts<Options>();

// `deploy` says the same; osls itself would name --region.
if (options.region === "") program.error("AWS_REGION: expected a region, or not to be set, got nothing");

const params = options.param.flatMap((param) => ["--param", param]);

async function installed(): Promise<string[]> {
  await installTools();
  return [];
}

async function packaged(): Promise<string[]> {
  const args = [
    "package",
    "--stage",
    options.stage,
    "--region",
    options.region,
    "--package",
    PACKAGE,
    ...params,
  ];
  const { code, output } = await runServerless(args, environment);
  return code === 0 ? [] : [output.trim()];
}

async function asked(tool: string, args: readonly string[]): Promise<string[]> {
  const { code, output } = await runTool(tool, args);
  return code === 0 ? [] : [output.trim()];
}

/** In order; the first that fails ends the check, for the others would only repeat it. */
const checks: readonly (readonly [name: string, check: () => Promise<string[]>])[] = [
  ["cfn-lint, checkov and the mock AWS are installed", installed],
  [`schema and package of stage ${options.stage} in ${options.region}`, packaged],
  // W3005: osls writes a DependsOn that a Ref implies already, and there is no way to tell it not to.
  // W3010: zones stand in the template where AVAILABILITY_ZONES names them, for a stage is one account's in one region.
  [
    "cfn-lint",
    () =>
      asked("cfn-lint", [
        "-i",
        "W3005",
        "W3010",
        "-r",
        options.region,
        "--format",
        "parseable",
        "-t",
        TEMPLATE,
      ]),
  ],
  [
    "checkov",
    () =>
      asked("checkov", [
        "--skip-download",
        "--compact",
        "--quiet",
        "--config-file",
        "infra/checkov.yml",
        "-f",
        TEMPLATE,
      ]),
  ],
  ["own assertions", async () => checkPackaged(await readPackaged(PACKAGE))],
];

const mockDeploy: (typeof checks)[number] = [
  "deploy against a mock AWS",
  () => checkMockDeploy({ ...options, params, environment }, (line) => console.log(`      ${line}`)),
];

if (madeUp.length > 0) console.log(`not set, and made up here: ${madeUp.join(", ")}`);
for (const [name, check] of options.static ? checks : [...checks, mockDeploy]) {
  const startMs = performance.now();
  const problems = await check().catch((error: unknown) => [messageOf(error)]);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"}  ${name} (${seconds} s)`);
  if (problems.length === 0) continue;
  console.error(problems.join("\n"));
  process.exitCode = 1;
  break;
}
