// One connection, made at its first use and, after a failure, anew.

export interface Connection<C> {
  /** The connection, opened if there is none. */
  get(): Promise<C>;
  /** Gives the connection up; the next `get` opens another. */
  drop(): Promise<void>;
}

export function keepConnection<C extends { disconnect(): Promise<void> }>(
  open: () => Promise<C>,
): Connection<C> {
  let current: Promise<C> | null = null;
  return {
    get() {
      current ??= open();
      return current;
    },
    async drop() {
      const dropped = current;
      current = null;
      // A client that never connected or lost its broker has nothing to take leave of.
      await dropped?.then((client) => client.disconnect()).catch(() => undefined);
    },
  };
}
