import { readKafkaSettings } from "../../lib/config.ts";
import { customResource } from "../../lib/deploy/custom-resource.ts";
import { createTopics } from "../../lib/kafka/topics.ts";

const settings = readKafkaSettings(process.env);

/** Of infra/deploy-steps.yml; CloudFormation makes text of all numbers. */
interface Properties {
  readonly Topics: readonly { readonly Name: string; readonly Partitions: string }[];
}

export const handler = customResource<Properties>(async ({ Topics }) => {
  const wanted = Topics.map(({ Name, Partitions }) => ({ topic: Name, numPartitions: Number(Partitions) }));
  const created = await createTopics(settings, wanted);
  return created.length === 0 ? "nothing to create: all topics are there" : `created ${created.join(", ")}`;
});
