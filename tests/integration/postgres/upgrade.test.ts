// From the baseline on, migrations only go forward: what was applied anywhere stays as it is, and what is new comes after it.
import { join } from "node:path";
import { expect, test } from "vitest";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { migrate, readSchema } from "../../../lib/postgres/migrate.ts";
import { streams } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { createDatabase } from "../database.ts";

/** SHA-256 of each migration of the baseline. A red line here asks for a new file, not for a new checksum. */
const baseline = [
  ["0001_roles.sql", "976c22834ae65eea68d7e9fce0c3e46ef0ee63e5f1b382a76bdd5256f7b86643"],
  ["0002_finality.sql", "59741ca013f3332026409e5e77f540ceb5e80196ddbf756d2a85b4934cbe34ef"],
  ["0003_ledger.sql", "3fd02c0ac3a1c41471f8c13f92a88c590a80a47ece4c7091b8a4a0a37971b298"],
  ["0004_kept_records.sql", "5fed8915b526279946b4e440e28f061c0940a83aa8fe8ffa47e1bb15ef6b2764"],
  ["0005_progress.sql", "a9917032187e5e880749acf0e277694231dfe7ccfc2883fb80ae7aa51a478a79"],
  ["0006_amendments.sql", "bc4ed192331ce37c3b0e341567adacf8de20fa19516a4ad3a0dc77263efcfcb3"],
  ["0007_replay.sql", "0c448e1381a036f149fa8fc3e1598510bdba43e4b681fc8c8a853fe16fed48d2"],
] as const;

const schema = await readSchema(join(import.meta.dirname, "../../../lib/postgres"));

test("the migrations of the baseline are what they were", () => {
  const present = schema.migrations.slice(0, baseline.length);
  expect(present.map(({ name, checksum }) => [name, checksum])).toEqual(baseline);
});

test("a later migration meets a database with rows in it, and the code before it goes on", async () => {
  const database = await createDatabase();
  const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
  const commit = (offset: number) => {
    const ids = { event_id: `${offset}`, meter_id: "m", customer_id: "c" };
    const event = { ...ids, reading: 1.5, timestamp: "2026-01-15T10:00:00Z" };
    const record = { offset, recordTimeMs: 0, value: Buffer.from(JSON.stringify(event)) };
    const address = { source: "test", topic: "t", partition: 0 };
    return commitRecords(postgresJudge(database.pool), streams.consumption, address, [record], rules);
  };
  const client = await database.pool.connect();
  try {
    await commit(0);
    const version = schema.migrations.length + 1;
    const later = {
      ...{ version, name: `${version}_later.sql`, checksum: "later" },
      sql: "ALTER TABLE consumption_window ADD COLUMN tariff text NOT NULL DEFAULT 'day'",
    };
    const newer = { ...schema, migrations: [...schema.migrations, later] };
    expect(await migrate(client, newer)).toEqual([later.name]);
    expect(await commit(1)).toMatchObject({ counted: 1, roundTrips: 1 });
    // The code before knows nothing of it, and may be deployed again.
    expect(await migrate(client, schema)).toEqual([]);
    const { rows } = await client.query("SELECT reading_count::int AS n, tariff FROM consumption_window");
    expect(rows).toEqual([{ n: 2, tariff: "day" }]);
  } finally {
    client.release();
    await database.close();
  }
});
