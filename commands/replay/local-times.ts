// Local times as instants. A time that occurs twice (clocks go back) is told apart by the order of the file where that is
// certain: the rows of one series go on in one direction, and start once more. Where it is not, the rows are skipped.

import { instantsOfLocal } from "../../lib/core/zone.ts";
import type { Measurement, Skipped } from "./layout.ts";

/** A measurement whose stamp is an instant. */
export type Timed = Measurement & { readonly timeUs: number };

interface Waiting {
  readonly measurement: Measurement;
  readonly localUs: number;
  /** The earlier and the later of the two instants. */
  readonly instants: readonly [number, number];
}

interface SeriesState {
  /** The local time before those that wait. */
  beforeUs: number | null;
  /** Rows, in the file's order, of one hour that occurs twice. */
  waiting: Waiting[];
}

/** Rows further apart than this are of two different changes of clocks. */
const SAME_CHANGE_US = 86_400_000_000;

export function seriesKey({ series, column }: Pick<Measurement, "series" | "column">): string {
  return series.kind === "meter"
    ? `m\0${series.meterId}\0${column}`
    : `s\0${series.sensorId}\0${series.sensorType}\0${column}`;
}

/** Where the second run begins, if the times go in `direction` from before to after with exactly one step back. */
function secondRun(
  times: readonly number[],
  before: number | null,
  after: number | null,
  direction: 1 | -1,
): number | null {
  const goesOn = (a: number, b: number) => (b - a) * direction > 0;
  const [first = 0] = times;
  const last = times.at(-1) ?? 0;
  if ((before !== null && !goesOn(before, first)) || (after !== null && !goesOn(last, after))) return null;
  const steps = times.slice(1).map((time, i) => goesOn(times[i] ?? 0, time));
  const back = steps.indexOf(false);
  return back >= 0 && steps.lastIndexOf(false) === back ? back + 1 : null;
}

function settle({ beforeUs, waiting }: SeriesState, afterUs: number | null): (Timed | Skipped)[] {
  const times = waiting.map(({ localUs }) => localUs);
  const rising = secondRun(times, beforeUs, afterUs, 1);
  const falling = secondRun(times, beforeUs, afterUs, -1);
  if ((rising === null) === (falling === null))
    return waiting.map(({ measurement: { line } }) => ({
      kind: "skipped",
      line,
      reason:
        "the local time occurs twice (clocks go back), and the order of the rows does not say which is meant",
    }));
  return waiting.map(({ measurement, instants: [earlier, later] }, i) => {
    const isEarlier = rising !== null ? i < rising : i >= (falling ?? 0);
    return { ...measurement, timeUs: isEarlier ? earlier : later };
  });
}

export class LocalTimes {
  readonly #series = new Map<string, SeriesState>();

  /** Takes a measurement, in the file's order, and gives those that are settled now. */
  push(measurement: Measurement): (Timed | Skipped)[] {
    const { at } = measurement;
    if ("timeUs" in at) return [{ ...measurement, timeUs: at.timeUs }];
    if (at.zone === "UTC") return [{ ...measurement, timeUs: at.localUs }];
    const [earlier, later] = instantsOfLocal(at.localUs, at.zone);
    if (earlier === undefined)
      return [
        {
          kind: "skipped",
          line: measurement.line,
          reason: `the local time does not exist in ${at.zone} (clocks go forward)`,
        },
      ];
    const state = this.#stateOf(measurement);
    const first = state.waiting[0];
    if (later !== undefined) {
      const settled =
        first !== undefined && Math.abs(first.localUs - at.localUs) > SAME_CHANGE_US
          ? this.#flush(state, at.localUs)
          : [];
      state.waiting.push({ measurement, localUs: at.localUs, instants: [earlier, later] });
      return settled;
    }
    const settled = first === undefined ? [] : this.#flush(state, at.localUs);
    state.beforeUs = at.localUs;
    return [...settled, { ...measurement, timeUs: earlier }];
  }

  /** Those that waited for a row that did not come. */
  end(): (Timed | Skipped)[] {
    return [...this.#series.values()].flatMap((state) => this.#flush(state, null));
  }

  #stateOf(measurement: Measurement): SeriesState {
    const key = seriesKey(measurement);
    let state = this.#series.get(key);
    if (state === undefined) {
      state = { beforeUs: null, waiting: [] };
      this.#series.set(key, state);
    }
    return state;
  }

  #flush(state: SeriesState, afterUs: number | null): (Timed | Skipped)[] {
    const settled = state.waiting.length === 0 ? [] : settle(state, afterUs);
    state.beforeUs = state.waiting.at(-1)?.localUs ?? state.beforeUs;
    state.waiting = [];
    return settled;
  }
}
