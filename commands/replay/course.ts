// The values of one series in the order of time: whether they are a register's standings, and whether their distances are
// those of their intervals.

import { addDecimals, type Decimal } from "../../lib/core/exact.ts";
import { difference } from "./decimal.ts";
import { HOUR_US } from "./times.ts";

/** Energy that only grows is a standing where it has so many values, or fewer that change little. */
const GROWING_VALUES = 6;
/** A register that is exchanged or set to 0 falls once, and rises at all other times. */
const RISES_FOR_A_FALL = 4;
const ZERO: Decimal = { unscaled: 0n, scale: 0 };

function isLess(a: Decimal, b: Decimal): boolean {
  return difference(a, b).unscaled < 0n;
}

export class Course {
  readonly first: Decimal;
  last: Decimal;
  readonly line: number;
  count = 1;
  #lastUs: number;
  #largest: Decimal;
  /** Sum of all rises. */
  #risen = ZERO;
  #rises = 0;
  #falls = 0;
  /** Steps from one time to the next: all, those longer than an hour, and those unlike the interval's length. */
  #steps = 0;
  #longSteps = 0;
  #shorter = 0;
  #longer = 0;

  constructor(line: number, timeUs: number, energyKwh: Decimal) {
    this.line = line;
    this.#lastUs = timeUs;
    this.first = energyKwh;
    this.last = energyKwh;
    this.#largest = energyKwh;
  }

  /** @param lengthUs the length of the interval for which the energy is computed or placed; null where none is needed */
  add(timeUs: number, energyKwh: Decimal, lengthUs: number | null): void {
    const distanceUs = timeUs - this.#lastUs;
    this.#lastUs = timeUs;
    this.count++;
    if (distanceUs > 0) this.#steps++;
    if (distanceUs > HOUR_US) this.#longSteps++;
    // Stamps of loggers are some seconds off.
    if (lengthUs !== null && distanceUs > 0 && distanceUs < 0.9 * lengthUs) this.#shorter++;
    if (lengthUs !== null && distanceUs > 1.1 * lengthUs) this.#longer++;
    const rise = difference(energyKwh, this.last);
    if (rise.unscaled > 0n) {
      this.#rises++;
      this.#risen = addDecimals(this.#risen, rise);
    } else if (rise.unscaled < 0n) this.#falls++;
    if (isLess(this.#largest, energyKwh)) this.#largest = energyKwh;
    this.last = energyKwh;
  }

  get looksLikeStanding(): boolean {
    if (this.count < 3 || this.#rises === 0) return false;
    if (this.#falls === 0)
      return this.count >= GROWING_VALUES || !isLess(this.first, difference(this.last, this.first));
    const twiceRisen = addDecimals(this.#risen, this.#risen);
    return this.#rises >= RISES_FOR_A_FALL * this.#falls && isLess(twiceRisen, this.#largest);
  }

  /** Most values are more than an hour apart. */
  get isSparse(): boolean {
    return this.count >= 3 && this.#longSteps * 2 >= this.count;
  }

  /** Most values are nearer to each other, or further apart, than their interval is long. */
  get misfit(): "shorter" | "longer" | null {
    if (this.#shorter * 2 > this.#steps) return "shorter";
    return this.#steps >= 2 && this.#longer * 2 > this.#steps ? "longer" : null;
  }
}
