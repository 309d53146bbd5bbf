// MSK's control plane on one machine: the answers that @aws-sdk/client-kafka needs to find the local broker, with the
// shapes of AWS's REST API. Point AWS_ENDPOINT_URL_KAFKA at it, and code that asks MSK for its brokers runs unchanged.

export interface LocalCluster {
  readonly arn: string;
  /** `host:port,…` */
  readonly brokers: string;
}

export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

function clusterInfo({ arn }: LocalCluster) {
  return {
    clusterType: "SERVERLESS",
    clusterArn: arn,
    clusterName: arn.split("/")[1] ?? "local",
    creationTime: "2026-01-01T00:00:00.000Z",
    currentVersion: "K1",
    state: "ACTIVE",
    serverless: { vpcConfigs: [], clientAuthentication: { sasl: { iam: { enabled: true } } } },
  };
}

function bootstrapBrokers({ brokers }: LocalCluster) {
  // Whoever asks takes the string of its own way to authenticate; here all ways lead to the same plain listener.
  return {
    bootstrapBrokerString: brokers,
    bootstrapBrokerStringTls: brokers,
    bootstrapBrokerStringSaslIam: brokers,
  };
}

function nodesOf({ brokers }: LocalCluster) {
  return {
    nodeInfoList: brokers.split(",").map((broker, i) => ({
      nodeType: "BROKER",
      brokerNodeInfo: { brokerId: i + 1, endpoints: [broker.split(":")[0]] },
    })),
  };
}

/** @returns null where the path is none of MSK's */
export function answerControlPlane(
  cluster: LocalCluster,
  method: string,
  path: string,
): ControlAnswer | null {
  const [, , resource, arn, detail] =
    /^\/(api\/v2|v1)\/(clusters)(?:\/([^/]+))?(?:\/([\w-]+))?$/.exec(path.split("?")[0] ?? "") ?? [];
  if (method !== "GET" || resource === undefined) return null;
  if (arn === undefined) return { status: 200, body: { clusterInfoList: [clusterInfo(cluster)] } };
  if (decodeURIComponent(arn) !== cluster.arn)
    return {
      status: 404,
      body: {
        message: `The cluster ${decodeURIComponent(arn)} does not exist.`,
        invalidParameter: "clusterArn",
      },
    };
  if (detail === "bootstrap-brokers") return { status: 200, body: bootstrapBrokers(cluster) };
  if (detail === "nodes") return { status: 200, body: nodesOf(cluster) };
  return detail === undefined ? { status: 200, body: { clusterInfo: clusterInfo(cluster) } } : null;
}
