// The control port: status and metrics for people and tools, Lambda's and MSK's control planes for AWS's clients, and
// everything else of the Lambda API passed on to where the functions run.

import {
  createServer,
  type IncomingMessage,
  request as passOn,
  type Server,
  type ServerResponse,
} from "node:http";
import { messageOf } from "../event-source-mapping/error-message.ts";
import { readFaultPlan, type SwitchableFaults } from "../event-source-mapping/faults.ts";
import { type ControlAnswer, type ControlRequest, fault } from "./answer.ts";
import { answerLambda, type LambdaControl } from "./lambda.ts";
import { answerMsk, type MskControl } from "./msk.ts";

export interface ControlServerOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly lambda: LambdaControl;
  readonly msk: MskControl;
  readonly faults: SwitchableFaults;
  /** URL of the Lambda API that invokes functions. */
  readonly lambdaEndpoint: string;
}

const BODY_LIMIT_BYTES = 1_048_576;

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > BODY_LIMIT_BYTES) throw new RangeError(`a body of more than ${BODY_LIMIT_BYTES} bytes`);
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString();
}

/** PUT a plan, DELETE it. */
function answerFaults(faults: SwitchableFaults, { method, body }: ControlRequest): ControlAnswer {
  if (method !== "PUT" && method !== "DELETE")
    return fault(405, "InvalidRequestContentException", "PUT or DELETE");
  try {
    faults.use(method === "DELETE" ? null : readFaultPlan(JSON.parse(body)));
    return { status: 200, body: {} };
  } catch (error) {
    // No JSON, or no plan: the message says which.
    return fault(400, "InvalidParameterValueException", messageOf(error));
  }
}

async function answer(
  { lambda, msk, faults }: ControlServerOptions,
  request: ControlRequest,
): Promise<ControlAnswer> {
  const { registry } = lambda;
  const isGet = request.method === "GET" && request.path.length === 1;
  if (isGet && request.path[0] === "status")
    return {
      status: 200,
      body: {
        bootstrapServers: msk.bootstrapServers,
        mappings: registry.all.map((mapping) => mapping.status),
      },
    };
  if (isGet && request.path[0] === "metrics") return { status: 200, body: { mappings: registry.metrics() } };
  if (request.path.length === 1 && request.path[0] === "faults") return answerFaults(faults, request);
  return (
    answerLambda(lambda, request) ??
    (await answerMsk(msk, request)) ??
    fault(
      404,
      "UnknownOperationException",
      "GET /status, GET /metrics, event source mappings of Lambda, clusters of MSK",
    )
  );
}

function forward(endpoint: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers } = incoming;
  const sent = passOn(new URL(incoming.url ?? "/", endpoint), { method, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  sent.once("error", (error) => {
    if (!response.headersSent) response.writeHead(502, { "content-type": "application/json" });
    response.end(JSON.stringify({ message: `Lambda endpoint ${endpoint}: ${error.message}` }));
  });
  incoming.pipe(sent);
}

async function handle(
  options: ControlServerOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(incoming.url ?? "/", "http://localhost");
  if (/^\/\d{4}-\d\d-\d\d\/functions\//.test(url.pathname))
    return forward(options.lambdaEndpoint, incoming, response);
  let answered: ControlAnswer;
  try {
    const path = url.pathname.split("/").slice(1).map(decodeURIComponent);
    if (path.at(-1) === "") path.pop();
    answered = await answer(options, {
      method: incoming.method ?? "GET",
      path,
      query: url.searchParams,
      body: await readBody(incoming),
    });
  } catch (error) {
    // A broken path or body is the caller's; whatever else is said to him as well, there is no one else to tell.
    const message = messageOf(error);
    const isCallers = error instanceof URIError || error instanceof RangeError;
    answered = isCallers
      ? fault(400, "InvalidRequestContentException", message)
      : fault(500, "ServiceException", message);
  }
  response.writeHead(answered.status, {
    "content-type": "application/json",
    ...(answered.errorType === undefined ? {} : { "x-amzn-errortype": answered.errorType }),
  });
  response.end(JSON.stringify(answered.body));
}

/** Listens on the loopback interface. */
export async function startControlServer(options: ControlServerOptions): Promise<Server> {
  const server = createServer((incoming, response) => void handle(options, incoming, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return server;
}
