// How `npm run replay` ends, for its help.

import { exitCodes } from "../terminal/exit-codes.ts";

const meanings: readonly (readonly [number, string])[] = [
  [exitCodes.complete, "everything in the file was sent and counted (--dry-run: would be)"],
  [exitCodes.failed, "it could not be done: file, broker or database; the last line says why"],
  [exitCodes.usage, "the options are wrong, or the file's times need --shift"],
  [
    exitCodes.doubted,
    "something is doubtful: nothing was sent; the lines say which option answers each doubt",
  ],
  [
    exitCodes.incomplete,
    "sent, but rows were skipped, or events were quarantined, too late, duplicates or in conflict; the last line says which",
  ],
  [exitCodes.interrupted, "ended by Ctrl-C"],
];

export const exitHelp = `Exit codes:\n${meanings.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join("\n")}`;
