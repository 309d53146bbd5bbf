// A request's body from its bytes to JSON. Bytes that are not UTF-8 are never decoded all the same: two names would
// become one.

import { isUtf8 } from "node:buffer";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { readExact } from "../core/exact.ts";

/** Of the body as it is sent, and again of what it inflates to. */
export const MAX_BODY_BYTES = 256 * 1024;

/** A request that is not taken, and why. The message is the answer's `error`. */
export class RefusedRequestError extends Error {
  readonly status: 400 | 413 | 415;

  constructor(status: RefusedRequestError["status"], message: string) {
    super(message);
    this.name = "RefusedRequestError";
    this.status = status;
  }
}

export function tooLarge(): RefusedRequestError {
  return new RefusedRequestError(413, `Body too large: at most ${MAX_BODY_BYTES} bytes`);
}

const options = { maxOutputLength: MAX_BODY_BYTES };
const inflaters: ReadonlyMap<string, (bytes: Buffer) => Buffer> = new Map([
  ["identity", (bytes) => bytes],
  ["gzip", (bytes) => gunzipSync(bytes, options)],
  ["x-gzip", (bytes) => gunzipSync(bytes, options)],
  ["deflate", (bytes) => inflateSync(bytes, options)],
  ["br", (bytes) => brotliDecompressSync(bytes, options)],
]);

function inflate(bytes: Buffer, encoding: string): Buffer {
  const inflater = inflaters.get(encoding);
  if (inflater === undefined)
    throw new RefusedRequestError(
      415,
      `Content-Encoding ${JSON.stringify(encoding)} is not taken: expected one of gzip, br and deflate, or none`,
    );
  try {
    return inflater(bytes);
  } catch (error) {
    // zlib throws for what is larger than it may become, and for bytes that are not of this encoding.
    if (error instanceof RangeError) throw tooLarge();
    throw new RefusedRequestError(400, `Body is not ${encoding}, which its Content-Encoding says`);
  }
}

/** Labels of UTF-8, and of ASCII, which is a part of it. */
const UTF8_LABELS = ["utf-8", "utf8", "us-ascii", "ascii"];

function checkCharset(contentType: string): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
  if (charset !== undefined && !UTF8_LABELS.includes(charset.toLowerCase()))
    throw new RefusedRequestError(415, `Charset ${JSON.stringify(charset)} is not taken: send UTF-8`);
}

/** U+FFFD. A gateway that hands bodies over as text has put it in the place of bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";
const REPLACEMENT_BYTES = Buffer.from(REPLACEMENT);

/** @throws RefusedRequestError for another encoding, with the first byte that is not UTF-8 */
function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  const hasWideMark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  // Without a mark, each sign of JSON has a byte 0 beside it.
  if (hasWideMark || (bytes.length > 1 && (first === 0 || second === 0)))
    throw new RefusedRequestError(400, "Body is UTF-16 or UTF-32: send UTF-8");
  const text = bytes.toString("utf8");
  if (isUtf8(bytes) && !text.includes(REPLACEMENT)) return text;
  const at = Buffer.byteLength(text.slice(0, text.indexOf(REPLACEMENT)));
  const found = bytes.subarray(at, at + 3).equals(REPLACEMENT_BYTES)
    ? "U+FFFD, which is written where bytes were not UTF-8,"
    : `0x${bytes.toString("hex", at, at + 1)}`;
  throw new RefusedRequestError(400, `Body is not UTF-8: ${found} at byte ${at}`);
}

/** A number with more digits than a double keeps is passed on as it came. */
function keepDigits(
  name: string,
  value: unknown,
  { source = "" }: { readonly source?: string } = {},
): unknown {
  if (typeof value !== "number" || name === "" || String(value) === source) return value;
  const bytes = Buffer.from(source);
  return typeof readExact(bytes, 0, bytes.length) === "number" ? value : JSON.rawJSON(source);
}

/** What is needed of a request. */
interface BodyRequest {
  header(name: string): string | undefined;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The body as JSON; a byte order mark of UTF-8 before it is skipped. @throws RefusedRequestError */
export async function readJson(request: BodyRequest): Promise<unknown> {
  checkCharset(request.header("content-type") ?? "");
  const sent = Buffer.from(await request.arrayBuffer());
  const encoding = (request.header("content-encoding") ?? "").trim().toLowerCase() || "identity";
  const text = decode(inflate(sent, encoding));
  try {
    return JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text, keepDigits);
  } catch (error) {
    // JSON.parse throws for malformed text, and for what it cannot walk through for its depth.
    if (error instanceof RangeError) throw new RefusedRequestError(400, "Nested too deep");
    throw new RefusedRequestError(400, "Invalid JSON");
  }
}
