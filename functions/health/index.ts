import { handle } from "hono/aws-lambda";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readTroubleRules } from "../../lib/config/rules.ts";
import { healthApp } from "../../lib/http/health.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { readKept } from "../../lib/postgres/kept.ts";
import { openPool } from "../../lib/postgres/pool.ts";
import { isSweptSinceStart, readGauges, readTrouble } from "../../lib/postgres/trouble.ts";

const offsets = openOffsetReader(readKafkaSettings(process.env));
const pool = openPool(readDatabaseSettings(process.env), 3_000);
const troubleRules = readTroubleRules(process.env);
const topics = Object.values(readTopics(process.env));

export const handler = handle(
  healthApp({
    service: "smartgrid-pipeline",
    now: Date.now,
    checks: {
      kafka: () => Promise.all(topics.map((topic) => offsets.read(topic))),
      postgres: () => pool.query("SELECT 1 FROM stream_state LIMIT 1"),
    },
    trouble: () => readTrouble(pool, troubleRules),
    isSwept: () => isSweptSinceStart(pool),
    kept: (since) => readKept(pool, since),
    gauges: () => readGauges(pool, troubleRules),
  }),
);
