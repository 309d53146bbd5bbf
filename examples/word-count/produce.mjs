// node produce.mjs "the quick brown fox" …: sends each argument as a record, and makes the topic where there is none.
import { Admin, Producer, stringSerializers } from "@platformatic/kafka";

const topic = process.env.WORDS_TOPIC || "words";
const client = {
  clientId: "produce",
  bootstrapBrokers: (process.env.KAFKA_BROKER || "127.0.0.1:9092").split(","),
};
const admin = new Admin(client);
if (!(await admin.listTopics()).includes(topic)) await admin.createTopics({ topics: [topic], partitions: 2 });
await admin.close();
const producer = new Producer({ ...client, serializers: stringSerializers });
// One by one: where a send is tried again because the topic is so new, none is sent twice.
for (const value of process.argv.slice(2)) await producer.send({ messages: [{ topic, value }] });
await producer.close();
