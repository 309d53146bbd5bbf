// A file as readings in the order of their times: the watermark of a stream follows its newest events, so meters that stand
// one after the other in a file have to be merged.

import { negated } from "./decimal.ts";
import { entryOf } from "./entry.ts";
import type { Found, Layout, LayoutOptions, Measurement, Series } from "./layout.ts";
import { LocalTimes, type Timed } from "./local-times.ts";
import { keyOf, type Reading } from "./reading.ts";
import { readingsOf } from "./readings.ts";
import { SortedEntries } from "./sorted.ts";
import { Survey } from "./survey.ts";
import { type Encoding, readText } from "./text.ts";

/** Which of the meters to take: all, the first so many, or those named. */
export type Selection = "all" | number | readonly string[];

export interface ReadOptions {
  readonly layout: Layout;
  readonly layoutOptions: LayoutOptions;
  readonly encoding: Encoding | null;
  readonly selection: Selection;
  /** What becomes of negative energy: doubted, a series of its own, or left out. */
  readonly negative: "doubt" | "export" | "skip";
  readonly onProgress: (values: number) => void;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

export interface FileReadings {
  /** What the file has shown. */
  readonly survey: Survey;
  /** The readings, by time; may be asked for several times. */
  readings(): AsyncIterable<Reading>;
  close(): void;
}

function selector(selection: Selection): (series: Series) => boolean {
  if (selection === "all") return () => true;
  const chosen = new Set<string>(typeof selection === "number" ? [] : selection);
  return (series) => {
    const key = keyOf(series);
    if (typeof selection === "number" && chosen.size < selection) chosen.add(key);
    return chosen.has(key) || (series.kind === "meter" && chosen.has(series.customerId));
  };
}

/** Negative energy as a reading of METER-export, which also is a customer of its own: it is not consumed. */
function asExport(timed: Timed): Timed {
  const { series } = timed;
  if (series.kind !== "meter") return timed;
  const { meterId, customerId } = series;
  return {
    ...timed,
    value: negated(timed.value),
    series: { kind: "meter", meterId: `${meterId}-export`, customerId: `${customerId}-export` },
  };
}

function isNegativeEnergy({ of, value }: Measurement): boolean {
  return (of.quantity === "energy" || of.quantity === "power") && value.unscaled < 0n;
}

/**
 * Reads the whole file once; what is larger than memory is kept on disk until `close`.
 * @throws Error where the file cannot be read, or is not of the layout
 */
export async function readFileReadings(path: string, options: ReadOptions): Promise<FileReadings> {
  const { layout, layoutOptions, negative } = options;
  const sorted = new SortedEntries();
  const survey = new Survey(Date.now() * 1000);
  const times = new LocalTimes();
  const isSelected = selector(options.selection);
  let values = 0;

  async function place(settled: ReturnType<LocalTimes["push"]>): Promise<void> {
    for (const one of settled) {
      if (one.kind === "measurement") survey.lookAtInterval(one);
      if (one.kind === "skipped") survey.skipped.add(one.reason, one.line);
      else if (!isNegativeEnergy(one) || negative === "doubt") await sorted.add(entryOf(one));
      else if (negative === "export") await sorted.add(entryOf(asExport(one)));
      else survey.leftOut.add("negative energy", one.line);
    }
  }

  async function take(found: Found): Promise<void> {
    if (found.kind === "skipped") survey.skipped.add(found.reason, found.line);
    else if (found.kind === "leftOut") survey.leftOut.add(found.reason, found.line);
    else if (found.kind === "doubt") survey.addDoubt(found);
    else if (options.signal.aborted) throw new Error("ended by Ctrl-C: nothing was sent");
    else if (isSelected(found.series)) {
      options.onProgress(++values);
      await place(times.push(found));
    }
  }

  try {
    for await (const found of layout.read(readText(path, options.encoding), layoutOptions)) await take(found);
    await place(times.end());
    for await (const outcome of readingsOf(sorted)) survey.take(outcome);
  } catch (error) {
    sorted.close();
    throw error;
  }
  return {
    survey,
    async *readings() {
      for await (const outcome of readingsOf(sorted)) if (outcome.kind === "reading") yield outcome.reading;
    },
    close: () => sorted.close(),
  };
}
