// A record's bytes as text that people and programs can read, and from which the bytes can be had again. Pure.

import { isUtf8 } from "node:buffer";

/** Control characters but tab and line ends, and signs that turn the direction of text around. */
const unsafe = /[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069]/u;

export interface ReadableBytes {
  readonly text: string;
  /**
   * utf8: the bytes are the text's. escape: they are no UTF-8, or hold control characters; each byte that is not
   * printable ASCII stands as `\` and three octal digits, a backslash as two (`decode(text, 'escape')` in PostgreSQL).
   */
  readonly encoding: "utf8" | "escape";
}

export function readableBytes(bytes: Buffer): ReadableBytes {
  const text = bytes.toString("utf8");
  if (isUtf8(bytes) && !unsafe.test(text)) return { text, encoding: "utf8" };
  const escaped = bytes
    .toString("latin1")
    .replaceAll(/[^ -[\]-~]/g, (byte) =>
      byte === "\\" ? "\\\\" : `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`,
    );
  return { text: escaped, encoding: "escape" };
}
