// No function loads more at its start than it has to: a cold start pays for every byte. What is imported later (the SDK's
// clients) does not count, for it costs nothing until then.

import type { Bundle } from "../build/index.ts";

/** Minified: index.js and what it imports at once. */
const LIMIT_BYTES = 300_000;

export function checkBundles(bundles: readonly Bundle[]): string[] {
  return bundles
    .filter(({ bytes }) => bytes > LIMIT_BYTES)
    .map(
      ({ name, bytes }) =>
        `${name}: loads ${(bytes / 1000).toFixed(1)} KB at its start, expected at most ${LIMIT_BYTES / 1000} KB; ` +
        "import later what it needs later, or leave out what it never needs (commands/build/left-out.ts)",
    );
}
