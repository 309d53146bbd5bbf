// A file's bytes as text: unpacked, decoded, and refused where it is neither.

import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

export const encodings = ["utf-8", "utf-16le", "utf-16be", "latin1"] as const;
export type Encoding = (typeof encodings)[number];

const HEAD_CHARACTERS = 65_536;

/** What has to be unpacked or saved as text first, by its first bytes. */
const OTHERS = [
  [[0x50, 0x4b, 0x03, 0x04], "is a zip archive or a spreadsheet (xlsx): unpack it, or save it as CSV"],
  [[0xd0, 0xcf, 0x11, 0xe0], "is a spreadsheet (xls): save it as CSV"],
  [[0x42, 0x5a, 0x68], "is packed by bzip2: unpack it, or pack it by gzip"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "is packed by xz: unpack it, or pack it by gzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "is packed by zstd: unpack it, or pack it by gzip"],
  [[0x37, 0x7a, 0xbc, 0xaf], "is packed by 7-Zip: unpack it, or pack it by gzip"],
] as const;
const GZIP = [0x1f, 0x8b] as const;

function startsWith(bytes: Buffer, ...prefix: number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

/** @throws Error where it is no file that can be read */
async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  if ((await file.stat()).isDirectory()) {
    await file.close();
    throw new Error(`${path} is a directory: name a file in it`);
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The file's bytes, through gunzip where they are packed by gzip, whatever the file's name. */
async function* bytesOf(path: string): AsyncIterable<Buffer> {
  const start = await firstBytes(path);
  const other = OTHERS.find(([prefix]) => startsWith(start, ...prefix))?.[1];
  if (other !== undefined) throw new Error(`${path} ${other}`);
  const file = await open(path);
  const raw = file.createReadStream({ highWaterMark: 1 << 18 });
  // An error of the file destroys gunzip with it, and is thrown by the loop.
  const stream = startsWith(start, ...GZIP) ? pipeline(raw, createGunzip(), () => undefined) : raw;
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    raw.destroy();
  }
}

function encodingOf(start: Buffer): Encoding {
  if (startsWith(start, 0xff, 0xfe)) return "utf-16le";
  if (startsWith(start, 0xfe, 0xff)) return "utf-16be";
  return "utf-8";
}

/**
 * The text of a file in pieces, without its byte order mark.
 * @param encoding null: by the byte order mark, UTF-8 where there is none
 * @throws Error where the file cannot be read, or its bytes are not of the encoding, with the line
 */
export async function* readText(path: string, encoding: Encoding | null): AsyncIterable<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let lines = 1;
  let isEmpty = true;
  for await (const bytes of bytesOf(path)) {
    if (decoder === null && startsWith(bytes, ...GZIP))
      throw new Error(`${path} is packed by gzip twice: unpack it once`);
    decoder ??= new TextDecoder(encoding ?? encodingOf(bytes), { fatal: true });
    let text: string;
    try {
      text = decoder.decode(bytes, { stream: true });
    } catch (error) {
      const what = bytes.includes(0)
        ? "utf-16le, or utf-16be (it has zero bytes)"
        : "latin1, or what it is (utf-16le, utf-16be)";
      throw new Error(
        `${path} is not ${decoder.encoding} in or after line ${lines}: say --encoding ${what}`,
        { cause: error },
      );
    }
    if (text.includes("\0"))
      throw new Error(
        `${path} has zero bytes after line ${lines}: no text, or say --encoding utf-16le or utf-16be`,
      );
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
    if (text !== "") isEmpty = false;
    yield text;
  }
  if (isEmpty) throw new Error(`${path} is empty: is the download or the export complete?`);
  try {
    decoder?.decode();
  } catch (error) {
    throw new Error(`${path} ends within a character, in line ${lines}`, { cause: error });
  }
}

/** The first 64 KB of the text. */
export async function headOf(path: string, encoding: Encoding | null): Promise<string> {
  let head = "";
  for await (const text of readText(path, encoding)) {
    head += text;
    if (head.length >= HEAD_CHARACTERS) break;
  }
  return head.slice(0, HEAD_CHARACTERS);
}
