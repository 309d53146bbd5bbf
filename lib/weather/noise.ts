// Smooth randomness as a function of seed, channel and time: the same at every call, in whatever order.

/** A uniform number in [0, 1) from three whole numbers. Mixing steps of MurmurHash3's 32-bit finaliser (A. Appleby). */
export function uniform(seed: number, channel: number, index: number): number {
  let h = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(channel, 0x85ebca77) ^ Math.imul(index, 0xc2b2ae3d)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * Value noise: random values at whole multiples of `period`, joined by smooth steps. In [−1, 1], mean 0,
 * standard deviation about 0.5; correlated within a period, independent two periods apart.
 */
export function noise(seed: number, channel: number, time: number, period: number): number {
  const position = time / period;
  const index = Math.floor(position);
  const fraction = position - index;
  const step = fraction * fraction * (3 - 2 * fraction);
  const before = 2 * uniform(seed, channel, index) - 1;
  const after = 2 * uniform(seed, channel, index + 1) - 1;
  return before + (after - before) * step;
}
