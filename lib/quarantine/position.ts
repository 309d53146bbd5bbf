// Where a record stood, as people write it: topic-partition@offset, with #incarnation where the topic had been
// deleted and created again before.

import { UsageError } from "../core/usage-error.ts";

export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly incarnation: number;
}

export function formatPosition({ topic, partition, offset, incarnation }: Position): string {
  return `${topic}-${partition}@${offset}${incarnation > 0 ? `#${incarnation}` : ""}`;
}

/** @throws Error where the text is no position */
export function parsePosition(text: string): Position {
  const match = /^(.+)-(\d{1,9})@(\d{1,15})(?:#(\d{1,9}))?$/.exec(text);
  if (match === null)
    throw new UsageError(
      `${text}: expected topic-partition@offset, such as smartgrid-meter-readings-0@1042 (with #1 behind it for a topic that was created again)`,
    );
  const [, topic = "", partition, offset, incarnation = "0"] = match;
  return {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    incarnation: Number(incarnation),
  };
}
