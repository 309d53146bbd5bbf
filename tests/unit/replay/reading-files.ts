// Reading small files in tests, and the real ones.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import type { Layout } from "../../../commands/replay/layout.ts";
import { layouts } from "../../../commands/replay/layouts/index.ts";
import { mappedLayout, type TableOptions } from "../../../commands/replay/map/layout.ts";
import { parseMap } from "../../../commands/replay/map/parse.ts";
import { type ReadOptions, readFileReadings } from "../../../commands/replay/read.ts";
import type { Reading } from "../../../commands/replay/reading.ts";
import type { Survey } from "../../../commands/replay/survey.ts";
import { isoFormat } from "../../../commands/replay/time-format.ts";

const folder = mkdtempSync(join(tmpdir(), "smartgrid-replay-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

/** A file with this text or these bytes. */
export function fileOf(contents: string | Buffer): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, contents);
  return path;
}

export function realFile(name: string): string {
  return fileURLToPath(new URL(`../../../../shared/data/${name}`, import.meta.url));
}

export function layoutNamed(name: string): Layout {
  const layout = layouts.get(name);
  if (layout === undefined) throw new Error(`no layout ${name}`);
  return layout;
}

export function tableOf(map: string, options: Partial<TableOptions> = {}): Layout {
  return mappedLayout(parseMap(map), {
    delimiter: ",",
    header: true,
    skipLines: 0,
    decimal: null,
    times: isoFormat,
    stamp: "start",
    intervalUs: null,
    standing: false,
    where: [],
    ...options,
  });
}

export interface Read {
  readonly readings: readonly Reading[];
  readonly survey: Survey;
  /** `meter time value unit`, in the order of time. */
  readonly lines: readonly string[];
  /** Lines of the file by reason. */
  readonly skipped: Record<string, string>;
  readonly leftOut: Record<string, string>;
  /** Names of doubts. */
  readonly doubts: readonly string[];
}

export async function readPath(
  path: string,
  layout: Layout,
  options: Partial<ReadOptions> = {},
): Promise<Read> {
  const file = await readFileReadings(path, {
    layout,
    layoutOptions: { meter: null, zone: null },
    encoding: null,
    selection: "all",
    negative: "doubt",
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...options,
  });
  try {
    const readings: Reading[] = [];
    for await (const reading of file.readings()) readings.push(reading);
    return {
      readings,
      survey: file.survey,
      lines: readings.map(({ series, timeUs, value, unit }) => {
        const name = series.kind === "meter" ? series.meterId : `${series.sensorId}/${series.sensorType}`;
        const time = new Date(timeUs / 1000).toISOString().replace(":00.000Z", "Z").replace(".000Z", "Z");
        return `${name} ${time} ${value} ${unit}`.trim();
      }),
      skipped: file.survey.skipped.toObject(),
      leftOut: file.survey.leftOut.toObject(),
      doubts: file.survey.doubts().map(({ name }) => name),
    };
  } finally {
    file.close();
  }
}

export function readText(
  text: string | Buffer,
  layout: Layout,
  options: Partial<ReadOptions> = {},
): Promise<Read> {
  return readPath(fileOf(text), layout, options);
}
