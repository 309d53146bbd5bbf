// MSK's read API (26) for AWS's own clients: the clusters that the mappings name, with brokers from the running one.

import { type ControlAnswer, type ControlRequest, fault } from "./answer.ts";

export interface Broker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface MskControl {
  readonly clusterArns: readonly string[];
  readonly bootstrapServers: string;
  /** Asks the running cluster. */
  readonly brokers: () => Promise<readonly Broker[]>;
  readonly startedMs: number;
}

const isServerless = (arn: string) => /-s\d+$/.test(arn);

function clusterOf(control: MskControl, arn: string, brokerCount: number) {
  const common = {
    ClusterArn: arn,
    ClusterName: arn.split("/")[1] ?? arn,
    CreationTime: new Date(control.startedMs).toISOString(),
    CurrentVersion: "K3P5ROKL5A1OLE",
    State: "ACTIVE",
    Tags: {},
  };
  if (isServerless(arn))
    return {
      ...common,
      ClusterType: "SERVERLESS",
      Serverless: { VpcConfigs: [], ClientAuthentication: { Sasl: { Iam: { Enabled: true } } } },
    };
  return {
    ...common,
    ClusterType: "PROVISIONED",
    Provisioned: {
      BrokerNodeGroupInfo: { ClientSubnets: [], InstanceType: "kafka.t3.small" },
      ClientAuthentication: { Unauthenticated: { Enabled: true } },
      NumberOfBrokerNodes: brokerCount,
    },
  };
}

/** MSK's wire names begin with a small letter. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      camelCased(one),
    ]),
  );
}

const ok = (body: unknown): ControlAnswer => ({ status: 200, body: camelCased(body) });

async function describe(
  control: MskControl,
  version: string,
  arn: string,
  part: string | undefined,
): Promise<ControlAnswer | null> {
  if (!control.clusterArns.includes(arn))
    return fault(404, "NotFoundException", `The requested resource doesn't exist: ${arn}`);
  if (part === undefined && version === "api")
    return ok({ ClusterInfo: clusterOf(control, arn, (await control.brokers()).length) });
  if (part === "bootstrap-brokers" && version === "v1") {
    // Locally all of them are the same plain listener, whichever way of authentication one asks for.
    const brokers = control.bootstrapServers;
    return ok({
      BootstrapBrokerString: brokers,
      BootstrapBrokerStringTls: brokers,
      BootstrapBrokerStringSaslIam: brokers,
    });
  }
  if (part === "nodes" && version === "v1") {
    const nodes = await control.brokers();
    return ok({
      NodeInfoList: nodes.map(({ nodeId, host, port }) => ({
        NodeType: "BROKER",
        NodeARN: `${arn}/${nodeId}`,
        BrokerNodeInfo: { BrokerId: nodeId, Endpoints: [`${host}:${port}`] },
      })),
    });
  }
  return null;
}

/** @returns null where the path is none of MSK's that are answered here */
export async function answerMsk(control: MskControl, request: ControlRequest): Promise<ControlAnswer | null> {
  if (request.method !== "GET") return null;
  const path =
    request.path[0] === "api" && request.path[1] === "v2" ? ["api", ...request.path.slice(2)] : request.path;
  const [version, kind, arn, part, ...more] = path;
  if ((version !== "api" && version !== "v1") || kind !== "clusters" || more.length > 0) return null;
  if (arn === undefined && version === "api") {
    const count = (await control.brokers()).length;
    const [name, type] = [request.query.get("clusterNameFilter"), request.query.get("clusterTypeFilter")];
    const clusters = control.clusterArns
      .map((one) => clusterOf(control, one, count))
      .filter(
        (one) =>
          (name === null || one.ClusterName.startsWith(name)) && (type === null || one.ClusterType === type),
      );
    return ok({ ClusterInfoList: clusters });
  }
  return arn === undefined ? null : describe(control, version, arn, part);
}
