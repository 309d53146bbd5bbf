import { readKafkaSettings } from "../../lib/config/kafka.ts";
import { customResource } from "../../lib/deploy/custom-resource.ts";
import { patiently } from "../../lib/deploy/patience.ts";
import { createTopics } from "../../lib/kafka/topics.ts";

const settings = readKafkaSettings(process.env);

/** Of infra/deploy-steps.yml; CloudFormation makes text of all numbers. */
interface Properties {
  readonly Topics: readonly { readonly Name: string; readonly Partitions: string }[];
}

export const handler = customResource<Properties>(async ({ Topics }, remainingMs) => {
  const wanted = Topics.map(({ Name, Partitions }) => ({ topic: Name, numPartitions: Number(Partitions) }));
  const { created, partitions } = await patiently(() => createTopics(settings, wanted), remainingMs);
  const tooFew = wanted.flatMap(({ topic, numPartitions }) => {
    const actual = partitions.get(topic) ?? 0;
    return actual < numPartitions
      ? `${topic} has ${actual} partitions, ${numPartitions} are wanted: kafka-topics.sh --bootstrap-server $BROKERS --command-config iam.properties --alter --topic ${topic} --partitions ${numPartitions}`
      : [];
  });
  const done =
    created.length === 0 ? "nothing to create: all topics are there" : `created ${created.join(", ")}`;
  const howTo = tooFew.length === 0 ? [] : ["$BROKERS and iam.properties: docs/runbook.md, lag-high"];
  return [done, ...tooFew, ...howTo].join("; ");
});
