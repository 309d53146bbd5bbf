// Logs: one JSON line for each thing that happened, never one for each record. Bodies and secrets stay out of them.

export type LogLevel = "info" | "warn" | "error";

/**
 * Writes `{"level", "message", "time", …fields}` to standard output (errors and warnings to standard error); not by
 * `console`, which on Lambda puts time and request before the JSON.
 */
export function log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const line = JSON.stringify({ level, message, time: new Date().toISOString(), ...fields });
  const stream = level === "info" ? process.stdout : process.stderr;
  stream.write(`${line}\n`);
}

/** What a log line or an answer may say of an error: its message, without stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
