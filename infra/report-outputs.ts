// Serverless plugin: `deploy` and `info` also print the outputs that custom.reportedOutputs names, so that what the steps
// of a deployment did stands in the command's own output.

interface Output {
  readonly OutputKey: string;
  readonly OutputValue: string;
}

/** The parts of Serverless that are used. */
interface Serverless {
  readonly service: { readonly custom?: { readonly reportedOutputs?: readonly string[] } };
  readonly pluginManager: {
    readonly plugins: readonly { readonly gatheredData?: { readonly outputs?: readonly Output[] } }[];
  };
  addServiceOutputSection(name: string, lines: string[]): void;
}

export default class ReportOutputsPlugin {
  readonly hooks: Readonly<Record<string, () => void>>;

  constructor(serverless: Serverless) {
    this.hooks = {
      "after:aws:info:displayStackOutputs": () => {
        const outputs = serverless.pluginManager.plugins.flatMap(
          (plugin) => plugin.gatheredData?.outputs ?? [],
        );
        const reported = serverless.service.custom?.reportedOutputs ?? [];
        serverless.addServiceOutputSection(
          "deployment",
          outputs
            .filter(({ OutputKey }) => reported.includes(OutputKey))
            .map(({ OutputKey, OutputValue }) => `${OutputKey}: ${OutputValue}`),
        );
      },
    };
  }
}
