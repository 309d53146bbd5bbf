// Filter criteria (20): event patterns on the record's value. What no pattern matches is dropped before delivery.

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

export type RecordFilter = (value: Buffer | null) => boolean;

/** A pattern that AWS would refuse; the message says why. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const MAXIMUM_PATTERNS = 5;
const MAXIMUM_PATTERN_LENGTH = 4_096;
const utf8 = new TextDecoder("utf-8", { fatal: true });

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

type Test = (actual: Json | undefined) => boolean;

const comparisons: Readonly<Record<string, (actual: number, limit: number) => boolean>> = {
  "=": (a, b) => a === b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

function numericTest(operand: Json | undefined): Test {
  if (!isList(operand) || (operand.length !== 2 && operand.length !== 4))
    throw new PatternError('"numeric" needs [operator, number] or two such pairs');
  const tests: ((actual: number) => boolean)[] = [];
  for (let i = 0; i < operand.length; i += 2) {
    const [operator, limit] = [operand[i], operand[i + 1]];
    const compare = typeof operator === "string" ? comparisons[operator] : undefined;
    if (compare === undefined || typeof limit !== "number")
      throw new PatternError(`"numeric": ${JSON.stringify(operand)} has an unknown operator or no number`);
    tests.push((actual) => compare(actual, limit));
  }
  return (actual) => typeof actual === "number" && tests.every((test) => test(actual));
}

function textOperand(name: string, operand: Json | undefined): string {
  if (typeof operand !== "string" || operand === "") throw new PatternError(`"${name}" needs a text`);
  return operand;
}

const WITHIN_ANYTHING_BUT = ["prefix", "suffix", "equals-ignore-case"];

function anythingButTest(operand: Json | undefined): Test {
  if (isObject(operand)) {
    const other = Object.keys(operand).find((name) => !WITHIN_ANYTHING_BUT.includes(name));
    if (other !== undefined)
      throw new PatternError(`"anything-but" knows ${WITHIN_ANYTHING_BUT.join(", ")}, not "${other}"`);
    const inner = operatorTest(operand);
    return (actual) => typeof actual === "string" && !inner(actual);
  }
  const refused = isList(operand) ? operand : [operand ?? null];
  return (actual) =>
    (typeof actual === "string" ||
      typeof actual === "number" ||
      typeof actual === "boolean" ||
      actual === null) &&
    !refused.some((one) => one === actual);
}

function operatorTest(matcher: JsonObject): Test {
  const [entry, ...more] = Object.entries(matcher);
  if (entry === undefined || more.length > 0) throw new PatternError("a matcher has exactly one operator");
  const [name, operand] = entry;
  switch (name) {
    case "prefix": {
      const prefix = textOperand(name, operand);
      return (actual) => typeof actual === "string" && actual.startsWith(prefix);
    }
    case "suffix": {
      const suffix = textOperand(name, operand);
      return (actual) => typeof actual === "string" && actual.endsWith(suffix);
    }
    case "equals-ignore-case": {
      const wanted = textOperand(name, operand).toLowerCase();
      return (actual) => typeof actual === "string" && actual.toLowerCase() === wanted;
    }
    case "numeric":
      return numericTest(operand);
    case "anything-but":
      return anythingButTest(operand);
    case "exists":
      if (typeof operand !== "boolean") throw new PatternError('"exists" needs true or false');
      // Of leaves only: what has fields of its own does not count as a value.
      return (actual) => (actual !== undefined && !isObject(actual)) === operand;
    default:
      throw new PatternError(`unknown operator "${name}"`);
  }
}

/** A leaf: a list of values and matchers, any of which suffices; an actual list matches by any of its elements. */
function leafTest(alternatives: readonly Json[]): Test {
  if (alternatives.length === 0) throw new PatternError("an empty list matches nothing");
  const tests = alternatives.map((one): Test => {
    if (isList(one)) throw new PatternError("a list within a list");
    if (isObject(one)) return operatorTest(one);
    return (actual) => actual === one;
  });
  return (actual) => {
    const candidates = isList(actual) ? actual : [actual];
    return tests.some((test) => candidates.some(test));
  };
}

function objectTest(pattern: JsonObject): Test {
  const tests = Object.entries(pattern).map(([key, part]): Test => {
    if (key === "$or") {
      if (!isList(part) || part.length === 0) throw new PatternError('"$or" needs a list of patterns');
      const branches = part.map((branch) => {
        if (!isObject(branch)) throw new PatternError('"$or" needs a list of patterns');
        return objectTest(branch);
      });
      return (actual) => branches.some((branch) => branch(actual));
    }
    const inner = partTest(part, key);
    return (actual) => inner(isObject(actual) && Object.hasOwn(actual, key) ? actual[key] : undefined);
  });
  return (actual) => tests.every((test) => test(actual));
}

function partTest(part: Json, key: string): Test {
  if (isList(part)) return leafTest(part);
  if (isObject(part)) return objectTest(part);
  throw new PatternError(`"${key}" needs a list or an object`);
}

function parsePattern(text: string): JsonObject {
  if (text.length > MAXIMUM_PATTERN_LENGTH)
    throw new PatternError(`${text.length} characters; at most ${MAXIMUM_PATTERN_LENGTH}`);
  let pattern: Json;
  try {
    pattern = JSON.parse(text);
  } catch {
    // The parser's position says nothing to a reader of YAML.
    throw new PatternError("no valid JSON");
  }
  if (!isObject(pattern)) throw new PatternError("not an object");
  const other = Object.keys(pattern).find((key) => key !== "value");
  if (other !== undefined) throw new PatternError(`"${other}": Kafka records are filtered by "value" only`);
  return pattern;
}

/** @returns the text, or null where the bytes are not UTF-8 */
function textOf(value: Buffer): string | null {
  try {
    return utf8.decode(value);
  } catch {
    // Not UTF-8: AWS drops such a record.
    return null;
  }
}

function jsonOf(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    // A plain string, then.
    return undefined;
  }
}

/**
 * Compiles `FilterCriteria`. Without patterns everything passes. A pattern on JSON (`value` is an object) matches
 * JSON values only, a pattern on strings (`value` is a list) plain strings only; what is not UTF-8 never passes.
 * @throws PatternError for a pattern that AWS would refuse
 */
export function compileFilter(patterns: readonly string[]): RecordFilter {
  if (patterns.length > MAXIMUM_PATTERNS)
    throw new PatternError(`${patterns.length} patterns; at most ${MAXIMUM_PATTERNS}`);
  const tests = patterns.map((text) => {
    const part = parsePattern(text).value;
    return { isOnJson: isObject(part), passes: part === undefined ? () => true : partTest(part, "value") };
  });
  if (tests.length === 0) return () => true;
  return (value) => {
    const text = value === null ? null : textOf(value);
    if (text === null) return false;
    const json = jsonOf(text);
    const isJson = isObject(json) || isList(json);
    return tests.some(({ isOnJson, passes }) => isOnJson === isJson && passes(isJson ? json : text));
  };
}
