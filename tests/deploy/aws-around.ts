// The few calls that functions make of AWS itself, answered by a server of the test's own.

import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { freePort } from "../../localstack/ports.ts";

/** What CloudFormation is told of a step. */
export interface StepAnswer {
  readonly Status?: unknown;
  readonly Reason?: unknown;
  readonly RequestId?: unknown;
}

export interface AwsAround {
  readonly url: string;
  /** What the steps of the deployment have answered. */
  readonly answers: readonly StepAnswer[];
  close(): Promise<void>;
}

/** MSK that names these brokers (GET), CloudFormation taking answers (PUT). */
export async function startAwsAround(brokers: { iam: string; plain: string }): Promise<AwsAround> {
  const answers: StepAnswer[] = [];
  const server = createServer(async (request, response) => {
    if (request.method === "PUT") answers.push(Object(await json(request)));
    response.end(
      JSON.stringify({ bootstrapBrokerString: brokers.plain, bootstrapBrokerStringSaslIam: brokers.iam }),
    );
  });
  const port = await freePort();
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    close: () => new Promise((done) => server.close(() => done())),
  };
}
