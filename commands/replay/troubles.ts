// Rows that give no reading: how many and which lines, by reason.

/** First and last line of neighbours. */
type Span = { from: number; to: number };

function spanText({ from, to }: Span): string {
  return from === to ? `${from}` : `${from}-${to}`;
}

interface Trouble {
  count: number;
  readonly spans: Span[];
}

/** More spans than this are counted, not listed. */
const MOST_SPANS = 1_000;
const SHOWN_SPANS = 20;

/** In order, neighbours in one: the lines of several partitions come mixed. */
function joined(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

export class Troubles {
  readonly #byReason = new Map<string, Trouble>();

  add(reason: string, line: number): void {
    let trouble = this.#byReason.get(reason);
    if (trouble === undefined) {
      trouble = { count: 0, spans: [] };
      this.#byReason.set(reason, trouble);
    }
    trouble.count++;
    const last = trouble.spans.at(-1);
    if (last !== undefined && (line === last.to || line === last.to + 1)) last.to = line;
    else if (trouble.spans.length < MOST_SPANS) trouble.spans.push({ from: line, to: line });
  }

  /** Values in all. */
  get count(): number {
    return [...this.#byReason.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** `2 × reason: line 5, 8-9`, one for each reason; `line 5, 8-9` where no reason was given. */
  lines(): string[] {
    return [...this.#byReason].map(([reason, { count, spans }]) => {
      const merged = joined(spans);
      const shown = merged.slice(0, SHOWN_SPANS).map(spanText);
      const what = reason === "" ? "" : `${count} × ${reason}: `;
      return `${what}line ${shown.join(", ")}${merged.length > SHOWN_SPANS || spans.length === MOST_SPANS ? ", …" : ""}`;
    });
  }

  /** Lines by reason, as `5,8-9`. */
  toObject(): Record<string, string> {
    return Object.fromEntries(
      [...this.#byReason].map(([reason, { spans }]) => [reason, spans.map(spanText).join(",")]),
    );
  }
}
