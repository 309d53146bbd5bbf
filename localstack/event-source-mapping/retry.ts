// How long to wait before a batch is tried again (13): exponential from 100 ms to 60 s, with jitter, so that
// partitions that failed together do not come again together.

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** Jitter adds up to the delay once more. */
const LONGEST_BEFORE_JITTER_MS = LONGEST_DELAY_MS / 2;

/**
 * @param failures how often it has failed, from 1
 * @param random uniform in [0, 1)
 * @returns ms: the exponential delay and up to as much again
 */
export function retryDelayMs(failures: number, random: number): number {
  const delay = Math.min(LONGEST_BEFORE_JITTER_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 20));
  return delay * (1 + random);
}
