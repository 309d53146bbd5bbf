// Decimal texts added and compared as PostgreSQL's numeric does it: the scale of a sum is the larger of the two.
// Written apart from lib/core/exact.ts, which is what the simulation checks.

interface Parsed {
  readonly digits: bigint;
  readonly scale: number;
}

/** Reads a JSON number's text, with or without an exponent. */
function parse(text: string): Parsed {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const point = mantissa.indexOf(".");
  const decimals = point < 0 ? 0 : mantissa.length - point - 1;
  const digits = BigInt(mantissa.replace(".", ""));
  const scale = decimals - Number(exponent);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function atScale({ digits, scale }: Parsed, wanted: number): bigint {
  return digits * 10n ** BigInt(wanted - scale);
}

function format({ digits, scale }: Parsed): string {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, "0");
  const point = text.length - scale;
  return `${digits < 0n ? "-" : ""}${text.slice(0, point)}${scale > 0 ? `.${text.slice(point)}` : ""}`;
}

/** The sum, with at least `minScale` decimals. */
export function addNumeric(a: string, b: string, minScale = 0): string {
  const [x, y] = [parse(a), parse(b)];
  const scale = Math.max(x.scale, y.scale, minScale);
  return format({ digits: atScale(x, scale) + atScale(y, scale), scale });
}

export function squareNumeric(text: string): string {
  const { digits, scale } = parse(text);
  return format({ digits: digits * digits, scale: 2 * scale });
}

/** Negative, 0 or positive, as `a` is below, equal to or above `b`. */
export function compareNumeric(a: string, b: string): number {
  const [x, y] = [parse(a), parse(b)];
  const scale = Math.max(x.scale, y.scale);
  const difference = atScale(x, scale) - atScale(y, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** A number's text as PostgreSQL writes it back: plain digits. */
export function plainNumeric(text: string): string {
  return format(parse(text));
}
