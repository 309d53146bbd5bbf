// The logs of replays in the ledger: each topic's incarnation has one beside it, under a source of its own.

const REPLAY_SOURCE = /#replay-\d+$/;

/** Under which source the ledger knows the replays of a topic's incarnation. */
export function replaySourceOf(source: string, incarnation: number): string {
  return `${source}#replay-${incarnation}`;
}

export function isReplaySource(source: string): boolean {
  return REPLAY_SOURCE.test(source);
}
