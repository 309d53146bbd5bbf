// Numbers of JSON as they are written, by JSON.parse's own account, and how many digits they have.

/** Of each object that was read the texts of its numbers. */
const numberTexts = new WeakMap<object, Map<string, string>>();

function noteNumber(
  this: object,
  name: string,
  value: unknown,
  { source }: { source?: string } = {},
): unknown {
  if (typeof value !== "number" || source === undefined) return value;
  const texts = numberTexts.get(this) ?? new Map<string, string>();
  numberTexts.set(this, texts.set(name, source));
  return value;
}

/** The text without what nests deeper than any rule looks: a reviver goes no deeper than the stack. */
function shallow(text: string): string {
  let depth = 0;
  let kept = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^"]/gs)) {
    if (token === "}" || token === "]") depth--;
    if (depth < 9) kept += token;
    if (token === "{" || token === "[") depth++;
    if (depth === 9 && (token === "{" || token === "[")) kept += token === "{" ? "}" : "]";
    if (depth === 8 && (token === "}" || token === "]")) kept = kept.slice(0, -1);
  }
  return kept;
}

/** JSON.parse, for `numberTextIn`. */
export function parseNotingNumbers(text: string): unknown {
  try {
    return JSON.parse(text, noteNumber);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    JSON.parse(text); // it may be malformed further on
    return JSON.parse(shallow(text), noteNumber);
  }
}

/** A number's significant digits, and the power of ten of the last one. */
export function digitsOf(text: string): { digits: number; power: number } {
  const [mantissa = "", exponent = "0"] = text.replace(/^-/, "").split(/e/i);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return significant === "" ? { digits: 0, power: 0 } : { digits: significant.length, power };
}

/** How a number that is a member of an object was written. */
export function numberTextIn(object: object, name: string): string {
  const text = numberTexts.get(object)?.get(name);
  if (text === undefined) throw new Error(`${name} is no number that was read`);
  return text;
}
