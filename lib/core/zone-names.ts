// What to say of a name that is no zone.

import { isZone } from "./zone.ts";

/** How many letters have to change, be added or left out to make one text of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
}

const MOST_TYPOS = 2;

/** `no zone "Europe/Tirana"; did you mean Europe/Tirane?`, or null where there is such a zone. */
export function zoneProblem(name: string): string | null {
  if (isZone(name)) return null;
  const typed = name.toLowerCase().replaceAll(" ", "_");
  const near = Intl.supportedValuesOf("timeZone")
    .map((zone) => ({ zone, typos: distance(typed, zone.toLowerCase()) }))
    .filter(({ typos }) => typos <= MOST_TYPOS)
    .sort((a, b) => a.typos - b.typos)[0]?.zone;
  const hint = near === undefined ? "expected such as Europe/Paris, UTC or +10:00" : `did you mean ${near}?`;
  return `no zone ${JSON.stringify(name)}; ${hint}`;
}
