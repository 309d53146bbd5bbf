// One telegram of a port P1: what stands from / to !.

import type { Line } from "../lines.ts";

export interface Telegram {
  /** The line of its `/`. */
  readonly line: number;
  /** `ISk5\2MT382-1000`, the meter's make. */
  readonly make: string;
  /** The brackets after each OBIS code: `1-0:1.8.1` → `["000123.456*kWh"]`. */
  readonly values: ReadonlyMap<string, { readonly line: number; readonly brackets: readonly string[] }>;
  /** Whether the checksum after the ! is right; true where there is none, as before DSMR 4. */
  readonly isWhole: boolean;
}

/** CRC-16 with the polynomial x¹⁶+x¹⁵+x²+1, from the lowest bit on, beginning with 0 (DSMR 5.0.2, 6.2). */
export function checksumOf(text: string): string {
  let crc = 0;
  for (const byte of Buffer.from(text, "latin1")) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc.toString(16).toUpperCase().padStart(4, "0");
}

function telegramOf(lines: readonly Line[], checksum: string): Telegram {
  const [first, ...rest] = lines;
  const values = new Map<string, { line: number; brackets: string[] }>();
  let last: { line: number; brackets: string[] } | null = null;
  for (const { number, text } of rest) {
    const code = /^\d+-\d+:\d+\.\d+\.\d+(?:[*.]\d+)?/.exec(text)?.[0];
    const brackets = [...text.matchAll(/\(([^)]*)\)/g)].map(([, inside = ""]) => inside);
    if (code !== undefined) {
      last = { line: number, brackets };
      values.set(code.replace(/[*.]255$/, ""), last);
    } else last?.brackets.push(...brackets); // before DSMR 4 gas goes on in the next line
  }
  // The meter ends its lines by CR LF, whatever has written the file since.
  const signed = `${lines.map(({ text }) => `${text}\r\n`).join("")}!`;
  return {
    line: first?.number ?? 0,
    make: first?.text.slice(1) ?? "",
    values,
    isWhole: checksum === "" || checksum === checksumOf(signed),
  };
}

/** The telegrams of a text; a number where one begins and does not end. */
export async function* telegramsOf(lines: AsyncIterable<Line>): AsyncIterable<Telegram | number> {
  let open: Line[] = [];
  for await (const line of lines) {
    if (line.text.startsWith("/")) {
      if (open[0] !== undefined) yield open[0].number;
      open = [line];
    } else if (open.length > 0 && line.text.startsWith("!")) {
      yield telegramOf(open, line.text.slice(1).trim().toUpperCase());
      open = [];
    } else if (open.length > 0) open.push(line);
  }
  if (open[0] !== undefined) yield open[0].number;
}
