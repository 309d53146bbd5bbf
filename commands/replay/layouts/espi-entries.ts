// The entries of a Green Button feed, one by one, however large the feed is.

import { SaxesParser, type SaxesTagPlain } from "saxes";

export interface IntervalReading {
  readonly line: number;
  /** Empty where the file names none; so are the others. */
  readonly startSeconds: string;
  readonly durationSeconds: string;
  readonly value: string;
}

export interface EspiEntry {
  readonly kind: "UsagePoint" | "MeterReading" | "ReadingType" | "IntervalBlock";
  readonly self: string;
  readonly up: string;
  readonly related: readonly string[];
  /** The elements right within it, by their names. */
  readonly fields: ReadonlyMap<string, string>;
  readonly readings: readonly IntervalReading[];
}

const KINDS = ["UsagePoint", "MeterReading", "ReadingType", "IntervalBlock"] as const;

interface OpenEntry {
  kind: EspiEntry["kind"] | null;
  self: string;
  up: string;
  readonly related: string[];
  readonly fields: Map<string, string>;
  readonly readings: IntervalReading[];
}

function kindOf(name: string): EspiEntry["kind"] | null {
  return KINDS.find((kind) => kind === name) ?? null;
}

/** Puts entries together from the events of the parser. */
class Entries {
  readonly done: EspiEntry[] = [];
  #path: string[] = [];
  #entry: OpenEntry | null = null;
  #reading: { line: number; start: string; duration: string; value: string } | null = null;
  #text = "";

  open(tag: SaxesTagPlain, line: number): void {
    const name = localName(tag.name);
    this.#path.push(name);
    this.#text = "";
    if (name === "entry")
      this.#entry = { kind: null, self: "", up: "", related: [], fields: new Map(), readings: [] };
    const entry = this.#entry;
    if (entry === null) return;
    if (name === "link") link(entry, tag.attributes.rel ?? "", tag.attributes.href ?? "");
    entry.kind ??= kindOf(name);
    if (name === "IntervalReading") this.#reading = { line, start: "", duration: "", value: "" };
  }

  text(text: string): void {
    this.#text += text;
  }

  close(): void {
    const name = this.#path.pop() ?? "";
    const parent = this.#path.at(-1) ?? "";
    const text = this.#text.trim();
    this.#text = "";
    const entry = this.#entry;
    if (entry === null) return;
    if (this.#reading !== null) {
      if (name === "start" && parent === "timePeriod") this.#reading.start = text;
      if (name === "duration" && parent === "timePeriod") this.#reading.duration = text;
      if (name === "value" && parent === "IntervalReading") this.#reading.value = text;
      if (name !== "IntervalReading") return;
      const { line, start, duration, value } = this.#reading;
      entry.readings.push({ line, startSeconds: start, durationSeconds: duration, value });
      this.#reading = null;
    } else if (parent === entry.kind) entry.fields.set(name, text);
    else if (name === "entry") {
      if (entry.kind !== null) this.done.push({ ...entry, kind: entry.kind });
      this.#entry = null;
    }
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function link(entry: OpenEntry, rel: string, href: string): void {
  if (rel === "self") entry.self = href;
  else if (rel === "up") entry.up = href;
  else if (rel === "related") entry.related.push(href);
}

/** @throws Error with the line, where the text is not well-formed XML */
export async function* entriesOf(text: AsyncIterable<string>): AsyncIterable<EspiEntry> {
  const parser = new SaxesParser();
  const entries = new Entries();
  parser.on("opentag", (tag) => entries.open(tag, parser.line));
  parser.on("text", (piece) => entries.text(piece));
  parser.on("cdata", (piece) => entries.text(piece));
  parser.on("closetag", () => entries.close());
  parser.on("error", (error) => {
    throw new Error(`the XML is malformed in line ${parser.line}: ${error.message}`);
  });
  for await (const piece of text) {
    parser.write(piece);
    yield* entries.done.splice(0);
  }
  parser.close();
  yield* entries.done.splice(0);
}
