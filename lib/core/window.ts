// Tumbling windows: half-open [start, end) in event time, aligned to the Unix epoch, also before it.

/**
 * Start of the window that holds an instant.
 * Uses the remainder, which is exact in doubles; a division would round up just below a boundary.
 * @param timeUs whole µs since the epoch, may be negative
 * @param sizeUs window size in µs, > 0
 */
export function windowStartUs(timeUs: number, sizeUs: number): number {
  const remainder = timeUs % sizeUs;
  return timeUs - (remainder < 0 ? remainder + sizeUs : remainder);
}
