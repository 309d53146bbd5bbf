// A run of its own, to be killed: starts Kafka and PostgreSQL on the given folder, says where and with which process
// ids as one line of JSON, and then waits.
//   node run-servers.ts FOLDER [kafka port, postgres port]

import { join } from "node:path";
import { startKafka } from "../../../localstack/kafka/server.ts";
import { freePort } from "../../../localstack/ports.ts";
import { startPostgres } from "../../../localstack/postgres/server.ts";

/** The line. */
export interface StartedServers {
  readonly kafka: { readonly brokers: string; readonly pid: number };
  readonly postgres: { readonly url: string; readonly pid: number };
}

const [folder = "", kafkaPort, postgresPort] = process.argv.slice(2);
const [kafka, postgres] = await Promise.all([
  startKafka({ dataDir: join(folder, "kafka"), port: Number(kafkaPort ?? (await freePort())) }),
  startPostgres({
    dataDir: join(folder, "postgres"),
    port: Number(postgresPort ?? (await freePort())),
    database: "survivors",
    user: "owner",
    password: "p@ss/word",
  }),
]);
const started: StartedServers = {
  kafka: { brokers: kafka.brokers, pid: kafka.pid },
  postgres: { url: postgres.url, pid: postgres.pid },
};
console.log(JSON.stringify(started));
process.stdin.resume(); // waits until it is killed, or the test that started it goes away
process.stdin.once("end", () => process.exit());
