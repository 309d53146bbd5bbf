/** A record as it stood in the topic. */
export interface LogRecord {
  readonly offset: number;
  /** Kafka's time stamp in ms, −1 where there is none. */
  readonly recordTimeMs: number;
  readonly value: Buffer | null;
}
