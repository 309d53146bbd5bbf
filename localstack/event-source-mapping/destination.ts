// Failure destinations on one machine (18): SQS, SNS and S3 as files in AWS's shapes, Kafka for real.

import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Destination } from "./destination-name.ts";
import type { FailureRecord } from "./failure-record.ts";

export interface FailureSink {
  /** Resolves when it is stored. @throws whatever the destination fails with; the batch then stays (19) */
  send(destination: Destination, mappingId: string, record: FailureRecord): Promise<void>;
}

/** Sends a message to a Kafka topic and waits for its acknowledgement. */
export type SendToTopic = (topic: string, key: string, value: string) => Promise<void>;

function sqsMessage(record: FailureRecord) {
  const body = JSON.stringify(record);
  return { MessageId: randomUUID(), Body: body, MD5OfBody: createHash("md5").update(body).digest("hex") };
}

function snsMessage(record: FailureRecord, topicArn: string) {
  return {
    Type: "Notification",
    MessageId: randomUUID(),
    TopicArn: topicArn,
    Message: JSON.stringify(record),
    Timestamp: record.timestamp,
  };
}

/** AWS's key: `aws/lambda/UUID/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-RANDOM`. */
function s3Key(mappingId: string, record: FailureRecord): string {
  const [date = "", time = ""] = record.timestamp.split("T");
  return `aws/lambda/${mappingId}/${date.replaceAll("-", "/")}/${date}T${time.slice(0, 8).replaceAll(":", ".")}-${randomUUID()}`;
}

/** Writes JSON to a new file; its folder need not be there. */
export async function writeWhole(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // Readers see the whole file or none.
  await writeFile(`${path}.part`, `${JSON.stringify(content)}\n`);
  await rename(`${path}.part`, path);
}

/** @param folder holds `sqs/QUEUE/…json`, `sns/TOPIC/…json` and `s3/BUCKET/KEY` */
export function localSink(folder: string, sendToTopic: SendToTopic): FailureSink {
  return {
    async send(destination, mappingId, record) {
      const { kind, name, text } = destination;
      const file = `${record.timestamp.replaceAll(":", ".")}-${record.requestContext.requestId}.json`;
      if (kind === "kafka") await sendToTopic(name, mappingId, JSON.stringify(record));
      else if (kind === "sqs") await writeWhole(join(folder, "sqs", name, file), sqsMessage(record));
      else if (kind === "sns") await writeWhole(join(folder, "sns", name, file), snsMessage(record, text));
      else await writeWhole(join(folder, "s3", name, s3Key(mappingId, record)), record);
    },
  };
}
