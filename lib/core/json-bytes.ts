// Reads JSON from its bytes: checks the grammar of the whole text and notes where the members stand that somebody asks for.
// It takes exactly what JSON.parse takes of the same text (tests/unit/core/json-bytes.test.ts). Bytes above 0x7f may stand
// in strings only; whether they are UTF-8 is for the caller to ask (`hasWideBytes`).

/** What a member's value is. Of an absent one nothing else is known. */
export const ABSENT = 0;
export const NULL = 1;
export const BOOLEAN = 2;
export const NUMBER = 3;
/** A string of ASCII without escapes: its bytes are its text. */
export const PLAIN_STRING = 4;
export const STRING = 5;
export const ARRAY = 6;
export const OBJECT = 7;

const NO_MEMBER = -1;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const POINT = 0x2e;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Bytes that a string may hold without more: neither quote, backslash, control character nor above 0x7f. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
/** What may follow a backslash, apart from `u`. */
const escapes = new Set(Buffer.from('"\\/bfnrt'));
const wordTrue = Buffer.from("true");
const wordFalse = Buffer.from("false");
const wordNull = Buffer.from("null");

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const small = byte | 0x20;
  return isDigit(byte) || (small >= 0x61 && small <= 0x66);
}

/** Where the members of one JSON object stand, by their numbers: their places in `names`. */
export class JsonMembers {
  /** One of the constants above. */
  readonly kinds: Uint8Array;
  /** First byte and the byte after the last one; of a string without its quotes. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Whether bytes above 0x7f stand in strings. */
  hasWideBytes = false;
  readonly #names: readonly Buffer[];
  readonly #byText: ReadonlyMap<string, number>;
  /** Names by their number of bytes. */
  readonly #byLength: number[][] = [];
  readonly #inner: readonly (JsonMembers | null)[];
  /** Of each member the one that stood behind it last time, as producers write all records alike; behind the brace at −1. */
  readonly #following: Int32Array;
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  #isPlain = true;
  /** Of the containers around the present one whether they are objects. */
  #around: boolean[] = [];

  /**
   * @param names of ASCII; each occurs once
   * @param inner of members that are objects: what is noted of their members
   */
  constructor(names: readonly string[], inner: ReadonlyMap<string, JsonMembers> = new Map()) {
    this.kinds = new Uint8Array(names.length);
    this.starts = new Int32Array(names.length);
    this.ends = new Int32Array(names.length);
    this.#names = names.map((name) => Buffer.from(name));
    this.#byText = new Map(names.map((name, member) => [name, member]));
    this.#inner = names.map((name) => inner.get(name) ?? null);
    this.#following = new Int32Array(names.length + 1).fill(NO_MEMBER);
    for (const [member, { length }] of this.#names.entries()) {
      const sameLength = this.#byLength[length] ?? [];
      sameLength.push(member);
      this.#byLength[length] = sameLength;
    }
  }

  /**
   * Reads `bytes` as one JSON text. Of members with the same name the last one counts.
   * @returns null where it is an object, or what it is otherwise
   */
  scan(bytes: Buffer): "malformed_json" | "not_an_object" | null {
    this.#begin(bytes, bytes.length);
    const start = this.#skipSpace(0);
    const isObject = start < bytes.length && bytes[start] === OPEN_OBJECT;
    const after = isObject ? this.#scanMembers(start + 1) : this.#skipValue(start);
    if (after < 0 || this.#skipSpace(after) !== bytes.length) return "malformed_json";
    return isObject ? null : "not_an_object";
  }

  #begin(bytes: Buffer, end: number): void {
    this.#bytes = bytes;
    this.#end = end;
    this.hasWideBytes = false;
    this.kinds.fill(ABSENT);
  }

  /** The text of a member that is a string. */
  text(member: number): string {
    const from = this.starts[member] ?? 0;
    const to = this.ends[member] ?? 0;
    if (this.kinds[member] === PLAIN_STRING) return this.#bytes.toString("latin1", from, to);
    return this.#unescaped(from, to);
  }

  /** The text of a string that may hold escapes; its grammar has been checked. */
  #unescaped(from: number, to: number): string {
    const text: unknown = JSON.parse(this.#bytes.toString("utf8", from - 1, to + 1));
    if (typeof text !== "string") throw new Error(`no string stands at ${from} to ${to}`);
    return text;
  }

  #skipSpace(from: number): number {
    let at = from;
    for (; at < this.#end; at++) {
      const byte = this.#bytes[at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    }
    return at;
  }

  /** The members behind an opening brace. @returns the place behind the closing one, or −1 */
  #scanMembers(from: number): number {
    const bytes = this.#bytes;
    let before = this.#names.length;
    let at = this.#skipSpace(from);
    if (at < this.#end && bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      let member = this.#following[before] ?? NO_MEMBER;
      if (member !== NO_MEMBER && this.#isNamed(member, at)) at += (this.#names[member]?.length ?? 0) + 2;
      else {
        const nameEnd = this.#skipString(at);
        if (nameEnd < 0) return -1;
        member = this.#memberNamed(at + 1, nameEnd - 1);
        this.#following[before] = member;
        at = nameEnd;
      }
      if (at < this.#end && bytes[at] !== COLON) at = this.#skipSpace(at);
      if (at >= this.#end || bytes[at] !== COLON) return -1;
      at++;
      if (at < this.#end && (bytes[at] ?? 0) <= SPACE) at = this.#skipSpace(at);
      const valueEnd = member === NO_MEMBER ? this.#skipValue(at) : this.#scanMember(member, at);
      if (valueEnd < 0) return -1;
      if (member !== NO_MEMBER) before = member;
      at = valueEnd;
      if (at < this.#end && bytes[at] !== COMMA) at = this.#skipSpace(at);
      if (at >= this.#end) return -1;
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      if (bytes[at] !== COMMA) return -1;
      at++;
      if (at < this.#end && bytes[at] !== QUOTE) at = this.#skipSpace(at);
    }
  }

  /** Whether a member's name stands in quotes at `at`. */
  #isNamed(member: number, at: number): boolean {
    const bytes = this.#bytes;
    const name = this.#names[member];
    if (name === undefined) return false;
    const { length } = name;
    if (at + length + 1 >= this.#end || bytes[at + length + 1] !== QUOTE || bytes[at] !== QUOTE) return false;
    for (let i = 0; i < length; i++) if (bytes[at + 1 + i] !== name[i]) return false;
    return true;
  }

  /** The number of the member with the name that has just been read, or NO_MEMBER. */
  #memberNamed(from: number, to: number): number {
    if (!this.#isPlain) return this.#byText.get(this.#unescaped(from, to)) ?? NO_MEMBER;
    const names = this.#byLength[to - from];
    if (names === undefined) return NO_MEMBER;
    for (const member of names) if (this.#isNamed(member, from - 1)) return member;
    return NO_MEMBER;
  }

  /** Skips a member's value and notes where it stands. */
  #scanMember(member: number, from: number): number {
    const first = from < this.#end ? this.#bytes[from] : undefined;
    if (first === QUOTE) {
      const end = this.#skipString(from);
      this.kinds[member] = this.#isPlain ? PLAIN_STRING : STRING;
      this.starts[member] = from + 1;
      this.ends[member] = end - 1;
      return end;
    }
    const inner = this.#inner[member] ?? null;
    const end =
      inner !== null && first === OPEN_OBJECT ? this.#scanInner(inner, from + 1) : this.#skipValue(from);
    this.kinds[member] = kindOf(first);
    this.starts[member] = from;
    this.ends[member] = end;
    return end;
  }

  #scanInner(inner: JsonMembers, from: number): number {
    inner.#begin(this.#bytes, this.#end);
    const end = inner.#scanMembers(from);
    if (inner.hasWideBytes) this.hasWideBytes = true;
    return end;
  }

  /** All skips return the place behind what they skip, or −1 where it is none. */
  #skipValue(from: number): number {
    if (from >= this.#end) return -1;
    const first = this.#bytes[from];
    if (first === QUOTE) return this.#skipString(from);
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) return this.#skipContainer(from);
    return this.#skipScalar(from);
  }

  #skipScalar(from: number): number {
    switch (this.#bytes[from]) {
      case 0x74:
        return this.#skipWord(from, wordTrue);
      case 0x66:
        return this.#skipWord(from, wordFalse);
      case 0x6e:
        return this.#skipWord(from, wordNull);
      default:
        return this.#skipNumber(from);
    }
  }

  #skipWord(from: number, word: Buffer): number {
    const to = from + word.length;
    if (to > this.#end) return -1;
    for (let i = 0; i < word.length; i++) if (this.#bytes[from + i] !== word[i]) return -1;
    return to;
  }

  #skipDigits(from: number): number {
    let at = from;
    while (at < this.#end && isDigit(this.#bytes[at])) at++;
    return at;
  }

  #skipNumber(from: number): number {
    const bytes = this.#bytes;
    const whole = bytes[from] === MINUS ? from + 1 : from;
    let at = this.#skipDigits(whole);
    if (at === whole || (bytes[whole] === 0x30 && at > whole + 1)) return -1; // 01 is no number
    if (at < this.#end && bytes[at] === POINT) {
      const fraction = at + 1;
      at = this.#skipDigits(fraction);
      if (at === fraction) return -1;
    }
    if (at < this.#end && ((bytes[at] ?? 0) | 0x20) === 0x65) {
      const sign = at + 1 < this.#end ? bytes[at + 1] : 0;
      const exponent = sign === MINUS || sign === 0x2b ? at + 2 : at + 1;
      at = this.#skipDigits(exponent);
      if (at === exponent) return -1;
    }
    return at;
  }

  /** Notes in `#isPlain` whether the string is of ASCII without escapes. */
  #skipString(from: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    this.#isPlain = true;
    if (from >= end || bytes[from] !== QUOTE) return -1;
    for (let at = from + 1; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (plain[byte] === 1) continue;
      if (byte === QUOTE) return at + 1;
      if (byte < 0x20) return -1;
      this.#isPlain = false;
      if (byte !== BACKSLASH) this.hasWideBytes = true;
      else {
        at = this.#skipEscape(at + 1);
        if (at < 0) return -1;
      }
    }
    return -1;
  }

  /** @returns the last place of what follows a backslash, or −1 */
  #skipEscape(at: number): number {
    const byte = at < this.#end ? this.#bytes[at] : undefined;
    if (byte === undefined) return -1;
    if (escapes.has(byte)) return at;
    if (byte !== 0x75 || at + 4 >= this.#end) return -1;
    for (let i = at + 1; i <= at + 4; i++) if (!isHex(this.#bytes[i])) return -1;
    return at + 4;
  }

  /** Without recursion: how deep others nest shall not end a process. */
  #skipContainer(from: number): number {
    const bytes = this.#bytes;
    const around = this.#around;
    around.length = 0;
    let isObject = bytes[from] === OPEN_OBJECT;
    let isFirst = true;
    let at = this.#skipSpace(from + 1);
    for (;;) {
      if (at >= this.#end) return -1;
      const close = isObject ? CLOSE_OBJECT : CLOSE_ARRAY;
      // Behind a value comes a comma or the end; behind the opening a value or the end.
      if (bytes[at] === close) {
        const outer = around.pop();
        if (outer === undefined) return at + 1;
        isObject = outer;
        isFirst = false;
        at = this.#skipSpace(at + 1);
        continue;
      }
      if (!isFirst) {
        if (bytes[at] !== COMMA) return -1;
        at = this.#skipSpace(at + 1);
      }
      if (isObject) {
        const nameEnd = this.#skipString(at);
        if (nameEnd < 0) return -1;
        at = this.#skipSpace(nameEnd);
        if (at >= this.#end || bytes[at] !== COLON) return -1;
        at = this.#skipSpace(at + 1);
      }
      const first = at < this.#end ? bytes[at] : undefined;
      if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
        around.push(isObject);
        isObject = first === OPEN_OBJECT;
        isFirst = true;
        at = this.#skipSpace(at + 1);
        continue;
      }
      if (first === undefined) return -1;
      at = first === QUOTE ? this.#skipString(at) : this.#skipScalar(at);
      if (at < 0) return -1;
      isFirst = false;
      at = this.#skipSpace(at);
    }
  }
}

/** By its first byte. */
function kindOf(first: number | undefined): number {
  switch (first) {
    case OPEN_OBJECT:
      return OBJECT;
    case OPEN_ARRAY:
      return ARRAY;
    case 0x74:
    case 0x66:
      return BOOLEAN;
    case 0x6e:
      return NULL;
    default:
      return NUMBER;
  }
}
