// Progress of long work, on standard error: a line that keeps itself up to date, or a plain line now and then where there is
// no terminal. What a command has to say stays alone on standard output.

const PLAIN_EVERY_MS = 5_000;
const TERMINAL_EVERY_MS = 200;

export interface Progress {
  show(line: string): void;
  done(line: string): void;
}

export function startProgress(): Progress {
  const { isTTY } = process.stderr;
  let lastMs = performance.now();
  return {
    show(line) {
      const nowMs = performance.now();
      if (nowMs - lastMs < (isTTY ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS)) return;
      lastMs = nowMs;
      process.stderr.write(isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    },
    done(line) {
      if (isTTY) process.stderr.write("\r\x1b[K");
      console.log(line);
    },
  };
}
