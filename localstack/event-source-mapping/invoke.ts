// Invoking a function through a Lambda endpoint, as AWS's pollers do: RequestResponse, and a failure for whatever is
// not a success.

/** Invokes a function with a JSON payload. Resolves for success only. @throws InvocationError otherwise */
export type Invoke = (functionName: string, payload: string) => Promise<void>;

export class InvocationError extends Error {
  constructor(functionName: string, cause: string) {
    super(`${functionName}: ${cause}`);
    this.name = "InvocationError";
  }
}

function causeOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "errorMessage" in parsed)
      return String(parsed.errorMessage);
  } catch {
    // Not JSON: the text itself is all there is to say.
  }
  return body.slice(0, 500);
}

/** @param endpoint URL of the Lambda API, e.g. `http://127.0.0.1:3002` */
export function invokeThrough(endpoint: string): Invoke {
  return async (functionName, payload) => {
    const url = `${endpoint}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
    let response: Response;
    let body: string;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/octet-stream", "x-amz-invocation-type": "RequestResponse" },
        body: payload,
      });
      body = await response.text();
    } catch (error) {
      // The endpoint is not there (yet), or went away during the invocation.
      throw new InvocationError(functionName, error instanceof Error ? error.message : String(error));
    }
    if (response.headers.has("x-amz-function-error") || !response.ok)
      throw new InvocationError(functionName, `${response.status} ${causeOf(body)}`);
  };
}
