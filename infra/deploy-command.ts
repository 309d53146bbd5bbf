// Serverless plugin, what our `deploy` does beside osls' own. It refuses the stage of this machine, which is what is meant
// without --stage (so do all commands that go to AWS), and a stack that would leave the cluster, the topics or the database
// that it stands on. In the end it prints, as `info` does, the outputs that custom.reportedOutputs names, so that what the
// steps of a deployment did stands in the command's own output.

import {
  type CloudFormationClient,
  DescribeStacksCommand,
  type Output,
} from "@aws-sdk/client-cloudformation";

/** The parts of Serverless that are used. */
interface Serverless {
  readonly processedInput: { readonly commands: readonly string[] };
  readonly service: {
    readonly provider: { readonly stage: string };
    readonly custom: {
      readonly reportedOutputs: readonly string[];
      /** By the name of the output that keeps it. */
      readonly standsOn: Readonly<Record<string, string>>;
      readonly move: boolean;
    };
  };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  readonly pluginManager: {
    readonly plugins: readonly { readonly gatheredData?: { readonly outputs?: readonly Output[] } }[];
  };
  getProvider(name: "aws"): {
    readonly naming: { getStackName(): string };
    getCloudFormationClient(): Promise<CloudFormationClient>;
  };
  addServiceOutputSection(name: string, lines: string[]): void;
}

const ON_AWS = /^(deploy|remove|rollback|info|logs|metrics)\b|^invoke$/;

function refuseLocalStage({ processedInput, service, classes }: Serverless): void {
  const command = processedInput.commands.join(" ");
  if (!ON_AWS.test(command) || service.provider.stage !== "local") return;
  throw new classes.Error(
    "--stage: expected a stage on AWS, such as dev or prod; local, which is meant without it, is this machine's (npm start)",
    "STAGE_OF_THIS_MACHINE",
  );
}

/** What the stack stands on now, as its outputs say; nothing where it is not there yet. */
async function outputsNow(serverless: Serverless): Promise<ReadonlyMap<string, string>> {
  const provider = serverless.getProvider("aws");
  try {
    const client = await provider.getCloudFormationClient();
    const StackName = provider.naming.getStackName();
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    const outputs = Stacks.flatMap((stack) => stack.Outputs ?? []);
    return new Map(outputs.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]));
  } catch (error) {
    // CloudFormation's answer for a stack that is not there; all else would stop the deployment as well.
    if (
      error instanceof Error &&
      error.name === "ValidationError" &&
      error.message.endsWith("does not exist")
    )
      return new Map();
    throw error;
  }
}

/** Else functions go over to an empty database, or to topics without events, because a variable was forgotten. */
async function refuseMove(serverless: Serverless): Promise<void> {
  const { standsOn, move } = serverless.service.custom;
  if (move) return;
  const now = await outputsNow(serverless);
  const moves = Object.entries(standsOn).flatMap(([output, wanted]) => {
    const present = now.get(output) ?? wanted;
    return present === wanted
      ? []
      : [
          `${output}: the stack stands on ${present}, and with these variables it would go over to ${wanted}.`,
        ];
  });
  if (moves.length === 0) return;
  const whatToDo =
    "Nothing was changed. Set them as they were; where it is meant, --param move=true (docs/deploy.md)";
  throw new serverless.classes.Error([...moves, whatToDo].join("\n"), "OTHER_SERVER");
}

function reportOutputs(serverless: Serverless): void {
  const outputs = serverless.pluginManager.plugins.flatMap((plugin) => plugin.gatheredData?.outputs ?? []);
  const reported = serverless.service.custom.reportedOutputs;
  const lines = outputs
    .filter(({ OutputKey = "" }) => reported.includes(OutputKey))
    .map(({ OutputKey, OutputValue }) => `${OutputKey}: ${OutputValue}`);
  // It takes no empty section, which a stack has whose first deployment failed.
  if (lines.length > 0) serverless.addServiceOutputSection("deployment", lines);
}

export default class DeployCommandPlugin {
  readonly hooks: Readonly<Record<string, () => void | Promise<void>>>;

  constructor(serverless: Serverless) {
    this.hooks = {
      initialize: () => refuseLocalStage(serverless),
      // With --package, what is deployed is known only now: the parameters are those that it was made with.
      "before:aws:deploy:deploy:createStack": () => refuseMove(serverless),
      "before:deploy:function:initialize": () => refuseMove(serverless),
      "after:aws:info:displayStackOutputs": () => reportOutputs(serverless),
    };
  }
}
