// The rules of AWS's event source mapping for Kafka in short, and where our stand-in is known to differ from AWS.
// D: AWS's documentation says so. T: seen in types or tests of a library that AWS maintains. J: AWS does not say; the
// harder case for the function was chosen.

export interface Rule {
  readonly number: number;
  readonly basis: "D" | "T" | "J" | "D, J" | "D, T" | "T, J" | "D, T, J";
  readonly says: string;
  /** Empty where none is known. */
  readonly differences: string;
  /** Where a broker would add nothing. */
  readonly needsNoBroker?: true;
}

export const rules: readonly Rule[] = [
  {
    number: 1,
    basis: "D",
    says: "Top level of the event: `eventSource`, `eventSourceArn` (MSK only), `bootstrapServers`, `records` by `topic-partition` in offset order.",
    differences:
      "The ARN is the one in serverless.yml's local stage; bootstrap servers are those of `KAFKA_BROKER`.",
  },
  {
    number: 2,
    basis: "D, T, J",
    says: 'A record: topic, partition, offset, time stamp and its type, key and value in base64, headers as one-entry objects of signed bytes, repeated and in order. A null key or value is missing or `null`, never `""`.',
    differences:
      "AWS does not say how it writes null: missing by default here, `null` in tests too. Powertools' strict parser refuses records without a value and header bytes above 127; its consumer takes both. Of a schema registry nothing is read.",
  },
  {
    number: 3,
    basis: "D",
    says: "A payload may hold several partitions; a mapping has one topic.",
    differences:
      "Partitions share a payload only where `custom.eventSourceMapping.concurrency` lets them share a lane.",
  },
  {
    number: 4,
    basis: "D, J",
    says: "At most `BatchSize` records (1–10,000, default 100) and at most 6,291,456 bytes of JSON; cut at a record, the rest follows.",
    differences: "",
  },
  {
    number: 5,
    basis: "J",
    says: "A record whose payload alone is too large goes to the failure destination (`PayloadTooLarge`), or is dropped, counted and logged; its partition goes on.",
    differences: "AWS does not say what it does with such a record.",
  },
  {
    number: 6,
    basis: "D",
    says: "Invoked when the window is over (0–300 s, default 500 ms, from the first record read), the batch is full or the payload is full.",
    differences: "“Payload full” goes by an estimate of the records' size; the cut itself is exact.",
  },
  {
    number: 7,
    basis: "D, J",
    says: "One invocation at a time for each partition, in order; partitions at once, each in an environment of its own; at most one for each partition, and five for each provisioned poller.",
    differences:
      "The pollers' 5 MB/s is no limit here. Environments are serverless-offline's worker threads.",
  },
  {
    number: 8,
    basis: "D",
    says: "Starts at `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`; the group's committed offsets win; a group belongs to one mapping.",
    differences:
      "Where `LATEST` began is committed at once, so that a batch that fails first is not skipped by a restart.",
  },
  {
    number: 9,
    basis: "D",
    says: "Committed after success: at least once. What was not committed comes again.",
    differences: "The classic consumer group protocol with eager rebalances; AWS does not say which it uses.",
  },
  {
    number: 10,
    basis: "J",
    says: "Offset out of range: goes on at the starting position's side, logged and counted. A topic created again starts at its offset 0.",
    differences: "`OffsetGapCount` is ours, not CloudWatch's.",
  },
  {
    number: 11,
    basis: "J",
    says: "New partitions are taken up within a minute (every 30 s it is looked), from offset 0, whatever the starting position.",
    differences: "A partition that is added while a `LATEST` mapping is stopped starts at its end.",
  },
  {
    number: 12,
    basis: "D",
    says: "States from `Creating` to `Deleting`, `LastProcessingResult`; disabling waits for the running invocation, then nothing is delivered.",
    differences:
      "Changes take as long as the running invocation, not up to 90 s. The texts after `PROBLEM: ` are ours.",
  },
  {
    number: 13,
    basis: "D, J",
    says: "A failed batch comes again whole, its partitions wait, others go on; back-off with jitter from 100 ms to 60 s; 429 never counts; `MaximumRecordAgeInSeconds`.",
    differences: "AWS does not tell its back-off.",
  },
  {
    number: 14,
    basis: "D",
    says: "`MaximumRetryAttempts` does not count the first call; failure handling needs provisioned pollers, a destination alone does not; infinite retries with a destination mean 10.",
    differences:
      "The ten retries are tested at the unit level: on a broker they take more than a minute and a half.",
  },
  {
    number: 15,
    basis: "D, J",
    says: "`BisectBatchOnFunctionError`: halves in the order of partition and offset, first half first, no try used up. Under fault injection also the second first, or both at once.",
    differences: "",
  },
  {
    number: 16,
    basis: "D, T, J",
    says: "`ReportBatchItemFailures`: goes on from the lowest named offset of each partition; an identifier that is malformed or names no record fails the whole batch.",
    differences: "AWS says the latter for Kinesis.",
  },
  {
    number: 17,
    basis: "D",
    says: "Without that setting the answer means nothing.",
    differences: "AWS says it for Kinesis.",
  },
  {
    number: 18,
    basis: "D, T",
    says: "Failure destinations SQS, SNS, S3 and Kafka topic; SQS, SNS and Kafka are told the offsets, S3 has the payload as well.",
    differences:
      "SQS, SNS and S3 are files under `.local/failures`. A record without a time stamp is told as 1970-01-01.",
  },
  {
    number: 19,
    basis: "J",
    says: "A destination that fails keeps the batch, which is handed over again; nothing is dropped silently.",
    differences: "",
  },
  {
    number: 20,
    basis: "D",
    says: "`FilterCriteria` on `value`: JSON against JSON, text against text, all else dropped; every operator; dropped records are settled and counted.",
    differences:
      "A JSON number, string or `true` as the whole value counts as text. Matchers that Lambda does not document are refused.",
  },
  {
    number: 21,
    basis: "D, J",
    says: "None, gzip, snappy, lz4 and zstd; control records and aborted transactions never reach the function (read_committed); a batch with a wrong CRC stops its partition.",
    differences: "AWS says neither its isolation level nor what it does with a damaged batch.",
  },
  {
    number: 22,
    basis: "D",
    says: "Headers of many kinds, keys that are not UTF-8, time stamp −1, offsets above 2^31: passed on.",
    differences: "",
  },
  {
    number: 23,
    basis: "D",
    says: "What AWS refuses is refused at start, with the line of serverless.yml, function, property, value and range.",
    differences: "The wording is ours. What Serverless's own schema refuses is refused by it.",
    needsNoBroker: true,
  },
  {
    number: 24,
    basis: "D, T",
    says: "CloudWatch's metrics of event source mappings at `/metrics` and as a line of JSON each minute.",
    differences: "`OffsetLag` is told for each partition; `ProvisionedPollers` is the configured minimum.",
  },
  {
    number: 25,
    basis: "D",
    says: "Lambda's List, Get, Create, Update and DeleteEventSourceMapping for AWS's own client, with its shapes and error names.",
    differences:
      "Mappings that were created through the API end with the process. No IAM, tags or encryption keys.",
  },
  {
    number: 26,
    basis: "D",
    says: "MSK's ListClustersV2, DescribeClusterV2, GetBootstrapBrokers and ListNodes for AWS's own client, with the running brokers.",
    differences: "All kinds of bootstrap brokers are the one plain listener.",
  },
];
