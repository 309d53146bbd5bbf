// Who injects: one hand for each thing that can be hit, so that faults on different things coincide and faults on the
// same thing do not. Each hand takes its faults from a shuffled deck, so that all of them have their turn.

import pg from "pg";
import { messageOf } from "../../lib/log.ts";
import { pause } from "../../localstack/event-source-mapping/waiting.ts";
import { LaboratoryError } from "./execution-environments.ts";
import { chaosFaults, isOwnFault, type OwnFault, ownFaults } from "./fault-kinds.ts";
import type { Fault, World } from "./faults/fault.ts";
import { type Random, randomOf } from "./random.ts";

export interface Injected {
  /** Kind → how many times. */
  readonly counts: Map<string, number>;
  /** Faults that could not be injected, and why. */
  readonly failures: string[];
}

export function noteFault({ counts }: Injected, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

/** SQLSTATE class 42: a statement that names what is not there, or does what cannot be done with it. */
const isOurMistake = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError && error.code?.startsWith("42") === true;

async function injectOn(
  world: World,
  kinds: readonly OwnFault[],
  random: Random,
  injected: Injected,
  say: (message: string) => void,
): Promise<void> {
  for (let deck: OwnFault[] = []; !world.signal.aborted && kinds.length > 0; ) {
    await pause(random.between(1_500, 7_000), world.signal);
    if (deck.length === 0) deck = random.shuffle(kinds);
    const kind = deck.pop();
    if (kind === undefined || world.signal.aborted) return;
    say(`fault ${kind}`);
    try {
      await ownFaults[kind].inject(world, random);
      noteFault(injected, kind);
    } catch (error) {
      if (isOurMistake(error)) {
        world.onTrouble(
          new LaboratoryError(`the fault ${kind} is written for other tables: ${error.message}`),
        );
        return;
      }
      // Another fault was in its way, such as a database that was locked; the run goes on.
      injected.failures.push(`${kind}: ${messageOf(error)}`);
      say(`fault ${kind} failed: ${messageOf(error)}`);
    }
  }
}

/** Injects until the world's signal. Everything is undone when it resolves. */
export async function injectAll(
  world: World,
  seed: number,
  kinds: readonly string[],
  injected: Injected,
  say: (message: string) => void,
): Promise<void> {
  const own = chaosFaults.filter(isOwnFault).filter((kind) => kinds.includes(kind));
  const targets: readonly Fault["on"][] = ["broker", "database", "functions", "topics"];
  await Promise.all(
    targets.map((target) =>
      injectOn(
        world,
        own.filter((kind) => ownFaults[kind].on === target),
        randomOf(seed, target),
        injected,
        say,
      ),
    ),
  );
}
