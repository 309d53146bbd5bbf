// What a power cut leaves of a partition: its last records, which the broker had answered for, were never on the disk.

import { open, readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";

/** Of a record batch's header (Kafka's message format 2): base offset, length of what follows it, last offset's delta. */
const HEADER_BYTES = 27;
const LENGTH_AT = 8;
const LENGTH_ENDS_AT = 12;
const LAST_OFFSET_DELTA_AT = 23;

interface Cut {
  readonly bytes: number;
  /** Offset after the last one that stays. */
  readonly end: number;
}

/** Where the first batch that holds `offset` or a later one begins. */
async function findCut(segment: string, base: number, offset: number): Promise<Cut> {
  const file = await open(segment);
  try {
    let [bytes, end] = [0, base];
    for (const header = Buffer.alloc(HEADER_BYTES); ; ) {
      const { bytesRead } = await file.read(header, 0, HEADER_BYTES, bytes);
      const length = header.readInt32BE(LENGTH_AT);
      if (bytesRead < HEADER_BYTES || length <= 0) return { bytes, end };
      const next = Number(header.readBigInt64BE(0)) + header.readInt32BE(LAST_OFFSET_DELTA_AT) + 1;
      if (next > offset) return { bytes, end };
      [bytes, end] = [bytes + LENGTH_ENDS_AT + length, next];
    }
  } finally {
    await file.close();
  }
}

/**
 * Cuts the log of a partition of a broker that is down, before the first record batch that holds `offset` or a later one,
 * and takes away what says that it was shut down cleanly.
 * @param dataDir as it was given to startKafka
 * @returns the offset that the log ends at now: `offset`, or less where a batch lay across it
 */
export async function cutLog(
  dataDir: string,
  topic: string,
  partition: number,
  offset: number,
): Promise<number> {
  const logDir = join(dataDir, "log");
  const folder = join(logDir, `${topic}-${partition}`);
  const files = await readdir(folder);
  const bases = files
    .flatMap((name) => (name.endsWith(".log") ? Number.parseInt(name, 10) : []))
    .sort((a, b) => a - b);
  const last = bases.filter((base) => base <= offset).at(-1);
  if (last === undefined) throw new Error(`${folder}: no segment begins at or before offset ${offset}`);
  for (const name of files) {
    const base = /^(\d{20})\./.exec(name)?.[1];
    if (base !== undefined && Number(base) > last) await rm(join(folder, name));
  }
  const segment = join(folder, `${String(last).padStart(20, "0")}.log`);
  const { bytes, end } = await findCut(segment, last, offset);
  await truncate(segment, bytes);
  await rm(join(logDir, ".kafka_cleanshutdown"), { force: true });
  return end;
}
