// Serverless plugin, what our `deploy` does beside osls' own: it refuses the stage of this machine, which is what it would
// deploy without --stage; and it prints, as `info` does, the outputs that custom.reportedOutputs names, so that what the
// steps of a deployment did stands in the command's own output.

interface Output {
  readonly OutputKey: string;
  readonly OutputValue: string;
}

/** The parts of Serverless that are used. */
interface Serverless {
  readonly processedInput: { readonly commands: readonly string[] };
  readonly service: {
    readonly provider: { readonly stage: string };
    readonly custom?: { readonly reportedOutputs?: readonly string[] };
  };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  readonly pluginManager: {
    readonly plugins: readonly { readonly gatheredData?: { readonly outputs?: readonly Output[] } }[];
  };
  addServiceOutputSection(name: string, lines: string[]): void;
}

function refuseLocalStage({ processedInput, service, classes }: Serverless): void {
  if (processedInput.commands.join(" ") !== "deploy" || service.provider.stage !== "local") return;
  throw new classes.Error(
    "--stage: expected the stage to deploy, such as dev or prod; local is this machine's (npm start)",
    "STAGE_OF_THIS_MACHINE",
  );
}

function reportOutputs(serverless: Serverless): void {
  const outputs = serverless.pluginManager.plugins.flatMap((plugin) => plugin.gatheredData?.outputs ?? []);
  const reported = serverless.service.custom?.reportedOutputs ?? [];
  serverless.addServiceOutputSection(
    "deployment",
    outputs
      .filter(({ OutputKey }) => reported.includes(OutputKey))
      .map(({ OutputKey, OutputValue }) => `${OutputKey}: ${OutputValue}`),
  );
}

export default class DeployCommandPlugin {
  readonly hooks: Readonly<Record<string, () => void>>;

  constructor(serverless: Serverless) {
    this.hooks = {
      initialize: () => refuseLocalStage(serverless),
      "after:aws:info:displayStackOutputs": () => reportOutputs(serverless),
    };
  }
}
