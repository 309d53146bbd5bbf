// Standard output of a command whose reader may go away (`| head`).

import { printableJson } from "../../lib/core/printable.ts";

/**
 * A reader that goes away is no error: what is printed from then on is dropped, and the command does what it was asked
 * to do, silently. Called once by each command.
 */
export function tolerateClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
}

/** @returns whether somebody may read it */
function print(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(!error));
  });
}

/** Writes pieces of text to standard output no faster than they are read, and stops where nobody reads any more. */
export async function printAll(pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) if (!(await print(piece))) return;
}

/** One JSON document for programs. Control characters stand escaped in it, so that a terminal may show it, too. */
export function printJson(document: unknown): void {
  console.log(printableJson(document));
}
