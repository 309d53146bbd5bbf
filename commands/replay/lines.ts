// Text as lines. CR, LF and CRLF each end one, also mixed in one file.

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** false for a last line that no line end follows. */
  readonly isEnded: boolean;
}

/** @param text pieces of a text, cut anywhere */
export async function* linesOf(text: AsyncIterable<string>): AsyncIterable<Line> {
  let rest = "";
  let number = 0;
  for await (const piece of text) {
    const pending = rest + piece;
    // A CR at the very end may be the first half of a CRLF.
    const end = pending.endsWith("\r") ? pending.length - 1 : pending.length;
    const lines = pending.slice(0, end).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? "") + pending.slice(end);
    for (const line of lines) yield { number: ++number, text: line, isEnded: true };
  }
  const isEnded = rest.endsWith("\r");
  if (rest !== "") yield { number: ++number, text: isEnded ? rest.slice(0, -1) : rest, isEnded };
}
