// What an update of a deployment that fails, or is gone back from, leaves of the database: the functions run from their
// packaged zips, on a real PostgreSQL behind RDS's login.

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCatalogue } from "./catalogue.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { deliveryOfReading } from "./events.ts";
import { failureIn } from "./lambda.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
  expect(await deployment.step("migrate-database", {})).toMatchObject({ Status: "SUCCESS" });
});
afterAll(() => deployment?.close());

let offset = 0;
const aggregate = async () =>
  failureIn(await deployment.call("aggregate-sensor", deliveryOfReading(deployment.clusterArn, offset++)));

async function countedEvents(): Promise<number> {
  const { rows } = await deployment.postgres.observer.query<{ count: number }>(
    "SELECT coalesce(sum(count), 0)::int AS count FROM sensor_aggregates_realtime",
  );
  return rows[0]?.count ?? Number.NaN;
}

/** A version of migrate-database with more migrations than this one's. */
async function versionWith(...sql: readonly string[]): Promise<{ folder: string; names: string[] }> {
  const folder = await deployment.unpackAgain("migrate-database");
  const migrations = (await readdir(join(folder, "lib/postgres/migrations"))).length;
  const names = sql.map((_, i) => `${String(migrations + 1 + i).padStart(4, "0")}_newer.sql`);
  for (const [i, name] of names.entries())
    await writeFile(join(folder, "lib/postgres/migrations", name), sql[i] ?? "");
  return { folder, names };
}
const good =
  "ALTER TABLE ledger ADD COLUMN note text; CREATE TABLE newer (x int); GRANT SELECT ON newer TO smartgrid_read";

async function expectNothingOf(folder: string, reason: RegExp, remainingMs = 60_000): Promise<void> {
  const before = {
    catalogue: await readCatalogue(deployment.postgres.observer),
    events: await countedEvents(),
  };
  expect(await deployment.step("migrate-database", {}, { folder, remainingMs })).toMatchObject({
    Status: "FAILED",
    Reason: expect.stringMatching(reason),
  });
  expect(await readCatalogue(deployment.postgres.observer)).toEqual(before.catalogue);
  expect(await aggregate()).toBeNull();
  expect(await countedEvents()).toBe(before.events + 1);
}

test("an update whose second migration fails leaves nothing of the first, says which, and the old functions go on", async () => {
  const { folder, names } = await versionWith(good, "CREATE TABLE half (x int); SELECT no_such_function()");
  await expectNothingOf(
    folder,
    new RegExp(
      `^migration ${names[1]} failed, and nothing of this run stays: function no_such_function\\(\\) does not`,
    ),
  );
});

test("an update that cannot have a lock gives up, and leaves nothing", async () => {
  const { folder, names } = await versionWith(good, "ALTER TABLE quarantine ADD COLUMN note text");
  const before = await readCatalogue(deployment.postgres.observer);
  await deployment.postgres.observer.query("BEGIN; SELECT 1 FROM quarantine");
  try {
    expect(await deployment.step("migrate-database", {}, { folder })).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(new RegExp(`^migration ${names[1]} failed, .*lock timeout`)),
    });
  } finally {
    await deployment.postgres.observer.query("COMMIT");
  }
  expect(await readCatalogue(deployment.postgres.observer)).toEqual(before);
});

test("an update whose connection breaks answers all the same, and leaves nothing", async () => {
  const { folder, names } = await versionWith(good, "SELECT pg_terminate_backend(pg_backend_pid())");
  await expectNothingOf(folder, new RegExp(`^migration ${names[1]} failed, .*terminating connection`));
});

test("an update ends in the database before its function has to, which would be frozen with its locks", async () => {
  const { folder, names } = await versionWith(
    "DO $$ BEGIN RAISE 'at most %', current_setting('transaction_timeout'); END $$",
  );
  // Half a minute less than it has left, of which it may have waited for its login for some.
  for (const leftS of [840, 600])
    await expectNothingOf(
      folder,
      new RegExp(`^migration ${names[0]} failed, .*: at most ${leftS - 30}s$`),
      leftS * 1_000,
    );
});

test("an update that cannot make the users leaves no migration either; nor can it be gone back from before the cause is", async () => {
  const { folder } = await versionWith(good);
  const refusal =
    /^the database's owner smartgrid may not make the user .* \(permission denied to alter role/;
  await deployment.postgres.observer.query("ALTER ROLE smartgrid NOCREATEROLE");
  try {
    await expectNothingOf(folder, refusal);
    // CloudFormation's way back asks the version before, which needs the same right: UPDATE_ROLLBACK_FAILED.
    expect(await deployment.step("migrate-database", {}, { requestType: "Update" })).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(refusal),
    });
    expect(await aggregate()).toBeNull();
  } finally {
    await deployment.postgres.observer.query("ALTER ROLE smartgrid CREATEROLE");
  }
  expect(await deployment.step("migrate-database", {}, { requestType: "Update" })).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "nothing to apply: the database has all migrations of this version" },
  });
});

test("an update with a changed migration is refused", async () => {
  const folder = await deployment.unpackAgain("migrate-database");
  await writeFile(join(folder, "lib/postgres/migrations/0003_ledger.sql"), "SELECT 1");
  await expectNothingOf(folder, /^migration 0003_ledger\.sql has changed since it was applied/);
});

test("an update can be gone back from: the version before takes the newer schema, and its functions go on", async () => {
  const newer = await versionWith(good);
  expect(await deployment.step("migrate-database", {}, { folder: newer.folder })).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: `applied ${newer.names[0]}` },
  });
  const catalogue = await readCatalogue(deployment.postgres.observer);
  const events = await countedEvents();
  expect(await deployment.step("migrate-database", {})).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "nothing to apply: the database has all migrations of this version" },
  });
  expect(await readCatalogue(deployment.postgres.observer)).toEqual(catalogue);
  expect(await aggregate()).toBeNull();
  expect(await countedEvents()).toBe(events + 1);
});
