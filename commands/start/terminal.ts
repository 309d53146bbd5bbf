// Where `npm start` writes: messages above, and on a terminal one status line below them that keeps itself up to date. Only
// one place may write there, else a message begins in the midst of the status line.

/** Of a terminal that does not say how wide it is. */
const USUAL_COLUMNS = 80;

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Terminal {
  /** Whether the status line stays in its place. Where it does not, each of them is a line of its own. */
  readonly isLive: boolean;
  /** Columns that a status line may have. */
  readonly width: number;
  /** A message, of one line or several; the status line moves below it. */
  say(message: string): void;
  /** Replaces the status line. */
  showStatus(line: string): void;
  /** The status line that is shown last stays as it is. */
  endStatus(): void;
}

export function openTerminal(output: Output): Terminal {
  const isLive = output.isTTY === true;
  let status = "";
  const shown = () => status.slice(0, width());
  // A line as wide as the terminal would begin another one.
  const width = () => (isLive ? (output.columns || USUAL_COLUMNS) - 1 : Number.POSITIVE_INFINITY);
  return {
    isLive,
    get width() {
      return width();
    },
    say(message) {
      output.write(isLive && status !== "" ? `\r\x1b[K${message}\n${shown()}` : `${message}\n`);
    },
    showStatus(line) {
      status = line;
      output.write(isLive ? `\r\x1b[K${shown()}` : `${line}\n`);
    },
    endStatus() {
      if (isLive && status !== "") output.write("\n");
      status = "";
    },
  };
}

/** That of this process. */
export const terminal = openTerminal(process.stdout);
