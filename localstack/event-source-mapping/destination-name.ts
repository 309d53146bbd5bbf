// Names of failure destinations (18), as DestinationConfig has them.

export interface Destination {
  readonly kind: "sqs" | "sns" | "s3" | "kafka";
  /** Queue, topic or bucket. */
  readonly name: string;
  /** As it was given. */
  readonly text: string;
}

/** @returns null for what names no destination */
export function parseDestination(text: string): Destination | null {
  const kafka = /^kafka:\/\/([a-zA-Z0-9._-]{1,249})$/.exec(text)?.[1];
  if (kafka !== undefined) return { kind: "kafka", name: kafka, text };
  const arn = /^arn:[^:]+:(sqs|sns|s3):[^:]*:[^:]*:([^:/]+)$/.exec(text);
  const [, kind, name] = arn ?? [];
  if (name === undefined) return null;
  return kind === "sqs" || kind === "sns" || kind === "s3" ? { kind, name, text } : null;
}
