// Local times of a zone as instants. Zones are IANA names or fixed offsets such as +10:00.

const HOUR_MS = 3_600_000;
const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    // Names come from outside, and one zone has many spellings.
    if (formats.size > 1_000) formats.clear();
    formats.set(zone, format);
  }
  return format;
}

/** Offset of a zone from UTC at an instant, ms; zones change their offset at full quarters of an hour only. */
function offsetMs(zone: string, timeMs: number): number {
  const quarter = Math.floor(timeMs / (HOUR_MS / 4)) * (HOUR_MS / 4);
  const key = `${zone}${quarter}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    const parts = new Map(
      formatOf(zone)
        .formatToParts(quarter)
        .map((part) => [part.type, Number(part.value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const local = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
      part("second"),
    );
    offset = local - quarter;
    if (offsets.size > 100_000) offsets.clear();
    offsets.set(key, offset);
  }
  return offset;
}

/** @throws RangeError where the runtime knows no such zone */
export function checkZone(zone: string): void {
  formatOf(zone);
}

export function isZone(zone: string): boolean {
  try {
    checkZone(zone);
    return true;
  } catch (error) {
    // A name or an offset that is none: that is the answer.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * The instants of a local time, the earlier first: two where clocks go back over it, none where they go forward.
 * @param localUs the local time's fields as if they were UTC, µs since the epoch
 * @returns µs since the epoch
 */
export function instantsOfLocal(localUs: number, zone: string): number[] {
  if (zone === "UTC") return [localUs];
  // Zones change by whole seconds: the fraction is kept apart, so that all sums below are of whole milliseconds.
  const fractionUs = ((localUs % 1000) + 1000) % 1000;
  const localMs = (localUs - fractionUs) / 1000;
  const before = localMs - offsetMs(zone, localMs - 24 * HOUR_MS);
  const after = localMs - offsetMs(zone, localMs + 24 * HOUR_MS);
  return [...new Set([before, after])]
    .filter((timeMs) => timeMs + offsetMs(zone, timeMs) === localMs)
    .sort((a, b) => a - b)
    .map((timeMs) => timeMs * 1000 + fractionUs);
}

/** The instant of a local time in ms, the first of two; null for a time that does not exist. */
export function instantOfLocal(localMs: number, zone: string): number | null {
  const first = instantsOfLocal(localMs * 1000, zone)[0];
  return first === undefined ? null : first / 1000;
}
