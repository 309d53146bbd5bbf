// How commands take their command lines, and end where something is wrong: each with the same code.

import { Command } from "commander";
import { UsageError } from "../../lib/core/usage-error.ts";
import { exitCodes } from "./exit-codes.ts";
import { explain } from "./explain.ts";

/** The command line of `npm run NAME --`; Commander's own errors end with the code of wrong usage. */
export function commandLine(name: string): Command {
  return new Command()
    .name(`npm run ${name} --`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitCodes.complete : exitCodes.usage));
}

/** Says why the command could not do its work, and sets the exit code. @param otherwise where the command line is right */
export function endWith(error: unknown, otherwise: number = exitCodes.failed): void {
  console.error(explain(error));
  process.exitCode = error instanceof UsageError ? exitCodes.usage : otherwise;
}

/** What `work` throws is about the command line. */
export function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UsageError(explain(error), { cause: error });
  }
}
