// What a person has asked for in a way that cannot be done.

/** The command line is wrong: nothing was tried, and the message says what to give instead. Commands end with 2 then. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
