// What a control plane answers: JSON with a status, in AWS's shapes and error names.

export interface ControlRequest {
  readonly method: string;
  /** Path segments, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
  /** AWS's error name, for `x-amzn-errortype`. */
  readonly errorType?: string;
}

export function fault(status: number, errorType: string, message: string): ControlAnswer {
  // AWS's services spell it both ways, and its clients read either.
  return { status, errorType, body: { Type: "User", message, Message: message } };
}
