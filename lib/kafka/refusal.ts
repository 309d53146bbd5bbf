// What @platformatic/kafka could not do, and why: its errors say that an answer holds an error, and nest what the broker
// said, once for each try and each broker.

function reasonsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const said = "serverErrorMessage" in error ? error.serverErrorMessage : null;
  const nested = error instanceof AggregateError ? error.errors : [];
  return [
    error.message,
    ...(typeof said === "string" && said !== "" ? [said] : []),
    ...[error.cause, ...nested].filter((one) => one !== undefined).flatMap(reasonsOf),
  ];
}

/** The same error with all that was said in its message, from the outermost to the broker's own words. */
export function withReasons(error: unknown): Error {
  const reasons = reasonsOf(error).map((reason) => reason.replace(/\.$/, ""));
  return new Error([...new Set(reasons)].join(": "), { cause: error });
}
