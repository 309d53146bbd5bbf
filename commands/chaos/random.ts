// Chance by seed. Law: the same seed and name give the same draws, so that a run can be had again.

import { createHash } from "node:crypto";

export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** A whole number from min to max, both included. */
  between(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/** The generator mulberry32, begun from seed and name. */
export function randomOf(seed: number, name: string): Random {
  let state = createHash("sha256").update(`${seed}|${name}`).digest().readUInt32BE(0);
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number) => min + Math.floor(fraction() * (max - min + 1));
  return {
    fraction,
    between,
    chance: (probability) => fraction() < probability,
    pick(items) {
      for (const item of items.slice(between(0, items.length - 1))) return item;
      throw new Error("nothing to pick from");
    },
    shuffle(items) {
      return items
        .map((item) => ({ item, at: fraction() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item);
    },
  };
}
