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

/**
 * The instant of a local time. A time that occurs twice (clocks go back) is the first of the two.
 * @param localMs the local time's fields as if they were UTC, ms since the epoch
 * @returns ms since the epoch, or null for a time that does not exist (clocks go forward)
 */
export function instantOfLocal(localMs: number, zone: string): number | null {
  const candidates = [
    localMs - offsetMs(zone, localMs - 24 * HOUR_MS),
    localMs - offsetMs(zone, localMs + 24 * HOUR_MS),
  ];
  const fitting = candidates.filter((timeMs) => timeMs + offsetMs(zone, timeMs) === localMs);
  return fitting.length === 0 ? null : Math.min(...fitting);
}
