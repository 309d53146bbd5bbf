// The verdict: each difference between what is and what must be has a name. Pure.

import { streams } from "./log.ts";
import type { Rows, Tables } from "./oracle.ts";

export const promises = ["LOST", "DOUBLED", "STUCK", "EARLY"] as const;

export type Promised = (typeof promises)[number];

export interface Breach {
  readonly promise: Promised;
  readonly what: string;
}

function compareRows(stream: string, expected: Rows, actual: Rows): Breach[] {
  const breaches: Breach[] = [];
  for (const [key, { events, values }] of expected) {
    const row = actual.get(key);
    const what = `${stream} row ${key}: expected ${values}, got ${row?.values ?? "no row"}`;
    // As many events but other sums: one is missing and another is there too often.
    if (row === undefined || row.events < events || (row.events === events && row.values !== values))
      breaches.push({ promise: "LOST", what });
    if (row !== undefined && (row.events > events || (row.events === events && row.values !== values)))
      breaches.push({ promise: "DOUBLED", what });
  }
  for (const [key, { values }] of actual)
    if (!expected.has(key))
      breaches.push({ promise: "DOUBLED", what: `${stream} row ${key}: expected none, got ${values}` });
  return breaches;
}

function compareSets(name: string, expected: ReadonlySet<string>, actual: ReadonlySet<string>): Breach[] {
  const short = (entry: string) => `${name}: ${entry.slice(0, 120)}`;
  return [
    ...[...expected]
      .filter((entry) => !actual.has(entry))
      .map((entry) => ({ promise: "LOST" as const, what: short(entry) })),
    ...[...actual]
      .filter((entry) => !expected.has(entry))
      .map((entry) => ({ promise: "DOUBLED" as const, what: short(entry) })),
  ];
}

export function compareTables(expected: Tables, actual: Tables): Breach[] {
  const ofStreams = streams.flatMap((stream) => {
    const [must, is] = [expected.totals[stream], actual.totals[stream]];
    const sums: Breach[] = compareRows(stream, expected.rows[stream], actual.rows[stream]);
    if (JSON.stringify(must) !== JSON.stringify(is))
      sums.push({
        promise: is.records < must.records ? "LOST" : "DOUBLED",
        what: `${stream} ledger: expected ${JSON.stringify(must)}, got ${JSON.stringify(is)}`,
      });
    return sums;
  });
  return [
    ...ofStreams,
    ...compareSets("quarantine", expected.quarantine, actual.quarantine),
    ...compareSets("too late", expected.tooLate, actual.tooLate),
  ];
}

export function countBreaches(breaches: readonly Breach[]): Record<Promised, number> {
  const count = (promise: Promised) => breaches.filter((breach) => breach.promise === promise).length;
  return { LOST: count("LOST"), DOUBLED: count("DOUBLED"), STUCK: count("STUCK"), EARLY: count("EARLY") };
}
