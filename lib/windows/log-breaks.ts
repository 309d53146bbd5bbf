// Tells, once and loudly, where the broker has another log than the ledger's, or has lost a part of it.

import { size, toMultirange } from "../core/ranges.ts";
import { log } from "../log.ts";
import type { FoundBreak } from "./sweep.ts";

function levelAndMessage(source: string, topic: string, found: FoundBreak): ["warn" | "error", string] {
  const counted = size(found.offsets);
  switch (found.kind) {
    case "another_cluster":
      return ["error", `another cluster answers under ${source}: ${topic} starts over`];
    case "created_again":
      return ["warn", `topic ${topic} was deleted and created again; its partitions start over`];
    case "truncated":
      return [
        "error",
        `the log of ${topic}-${found.partition} was truncated: the broker has lost offsets ${found.from} to ${found.to - 1} ` +
          `that it had before; ${counted} of them had been counted and stay counted`,
      ];
    case "renamed":
      return counted === 0
        ? [
            "warn",
            `the cluster of ${topic} has another name now; what was counted under the old one stays counted`,
          ]
        : [
            "error",
            `the cluster of ${topic} has another name, and ${counted} offsets were counted under both`,
          ];
  }
}

export function logBreaks(source: string, topic: string, breaks: readonly FoundBreak[]): void {
  for (const found of breaks) {
    const { partition, before, after, offsets } = found;
    const place = { topic, partition, before, after, offsets: toMultirange(offsets) };
    log(...levelAndMessage(source, topic, found), place);
  }
}
