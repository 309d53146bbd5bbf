// Invoking a function through a Lambda endpoint, as AWS's pollers do: RequestResponse, and a failure for whatever is
// not a success.

import { Agent, request } from "node:http";
import { messageOf } from "./error-message.ts";

/** Invokes a function with a JSON payload; resolves with the answer's text. @throws InvocationError for a failure */
export type Invoke = (functionName: string, payload: string) => Promise<unknown>;

export class InvocationError extends Error {
  override readonly name = "InvocationError";
  /** Of the Lambda API; null where there was no answer. */
  readonly statusCode: number | null;
  /** `Unhandled` and the like, where the function itself failed. */
  readonly functionError: string | null;

  constructor(
    functionName: string,
    cause: string,
    statusCode: number | null = null,
    functionError: string | null = null,
  ) {
    super(`${functionName}: ${cause}`);
    this.statusCode = statusCode;
    this.functionError = functionError;
  }

  /** Throttled, so it was never run. */
  get isThrottled(): boolean {
    return this.statusCode === 429;
  }
}

/** AWS's limit for the answer of a function, bytes. */
const ANSWER_LIMIT_BYTES = 6_291_556;

/** An answer that cannot be written as JSON is the function's fault, but only the endpoint knows of it. */
const NO_JSON_HINT = "was the function's answer no JSON (circular, BigInt)?";

function causeOf(status: number, body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "errorMessage" in parsed)
      return String(parsed.errorMessage).split("\n")[0] ?? "";
    if (status === 500) return `${body.slice(0, 500)}; ${NO_JSON_HINT}`;
  } catch {
    // Not JSON: the text itself is all there is to say.
  }
  return body.slice(0, 500);
}

interface Answer {
  readonly status: number;
  readonly functionError: string | null;
  readonly body: string;
}

function post(url: URL, agent: Agent, payload: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = Buffer.from(payload);
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": body.length,
      "x-amz-invocation-type": "RequestResponse",
    };
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const functionError = response.headers["x-amz-function-error"];
        resolve({
          status: response.statusCode ?? 0,
          functionError: functionError === undefined ? null : String(functionError),
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** @param endpoint URL of the Lambda API, e.g. `http://127.0.0.1:3002` */
export function invokeThrough(endpoint: string): Invoke {
  // A function may run for 15 minutes: no time limit here but the endpoint's own.
  const agent = new Agent({ keepAlive: true });
  return async (functionName, payload) => {
    const url = new URL(`/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`, endpoint);
    let answer: Answer;
    try {
      answer = await post(url, agent, payload);
    } catch (error) {
      // The endpoint is not there (yet), or went away during the invocation.
      throw new InvocationError(functionName, messageOf(error));
    }
    const { status, functionError, body } = answer;
    if (functionError !== null || status < 200 || status > 299)
      throw new InvocationError(functionName, `${status} ${causeOf(status, body)}`, status, functionError);
    const bytes = Buffer.byteLength(body);
    if (bytes > ANSWER_LIMIT_BYTES)
      throw new InvocationError(
        functionName,
        `answer of ${bytes} bytes; at most ${ANSWER_LIMIT_BYTES}`,
        200,
        "Unhandled",
      );
    return body;
  };
}
