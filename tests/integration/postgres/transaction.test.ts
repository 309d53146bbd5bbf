// What the server ends by itself, on each release.

import { once } from "node:events";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { limitTransactions } from "../../../lib/postgres/transaction.ts";

async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  client.on("error", () => undefined); // the server ends it, and says so more than once
  await client.connect();
  return client;
}

test("a transaction whose client falls silent is ended by the server", async () => {
  const client = await connected();
  const isEnded = once(client, "error"); // said to a client that waits for nothing
  await limitTransactions(client, 200);
  await client.query("BEGIN");
  const [error] = await isEnded;
  // transaction_timeout of PostgreSQL 17 and later; idle_in_transaction_session_timeout before
  expect(["25P04", "25P03"]).toContain(error.code);
});

test("a transaction that waits for a lock, or whose statement takes too long, is ended by the server", async () => {
  const holder = await connected();
  await holder.query("BEGIN; SELECT pg_advisory_xact_lock(1)");
  for (const endless of ["SELECT pg_advisory_xact_lock(1)", "SELECT pg_sleep(3600)"]) {
    const client = await connected();
    await limitTransactions(client, 200);
    await client.query("BEGIN");
    await expect(client.query(endless)).rejects.toThrow(/timeout/);
    await client.end();
  }
  await holder.end();
});

test("what ends in time is left alone, in one transaction after another", async () => {
  const client = await connected();
  await limitTransactions(client, 60_000);
  for (const _ of [1, 2]) {
    await client.query("BEGIN");
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await client.query("COMMIT");
  }
  await client.end();
});
