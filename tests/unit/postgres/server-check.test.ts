// Which PostgreSQL servers are refused, and in which words.

import { expect, test } from "vitest";
import { refusalOf, type ServerFacts } from "../../../lib/postgres/server-check.ts";

const fit: ServerFacts = {
  version: "17.10",
  versionNumber: 170_010,
  isStandby: false,
  isReadOnly: false,
  encoding: "UTF8",
  user: "grid",
  schema: "public",
  mayCreate: true,
  otherOwner: null,
  mayMakeRoles: true,
  missingRoles: ["smartgrid_api", "smartgrid_sweep"],
};

test("a server that can hold the pipeline is not refused; nor is a user without CREATEROLE where the roles are there", () => {
  expect(refusalOf(fit)).toBeNull();
  for (const versionNumber of [150_000, 150_018, 160_014, 180_004])
    expect(refusalOf({ ...fit, versionNumber })).toBeNull();
  expect(refusalOf({ ...fit, mayMakeRoles: false, missingRoles: [] })).toBeNull();
});

test.each<[string, Partial<ServerFacts>, string]>([
  [
    "an old release, before all else",
    { version: "13.23 (Debian)", versionNumber: 130_023, isStandby: true, mayCreate: false },
    "PostgreSQL 13.23 (Debian) is too old, 15 or later is needed: name another server (POSTGRES_HOST), or upgrade this one",
  ],
  [
    "the release before",
    { version: "14.23", versionNumber: 140_023 },
    "PostgreSQL 14.23 is too old, 15 or later is needed",
  ],
  ["one of long ago", { version: "9.6.24", versionNumber: 90_624 }, "PostgreSQL 9.6.24 is too old"],
  ["a standby", { isStandby: true, isReadOnly: true }, "is a read-only standby: name its primary"],
  ["read-only transactions", { isReadOnly: true }, "default_transaction_read_only is on for grid"],
  ["another encoding", { encoding: "LATIN1" }, "encoding is LATIN1"],
  ["no schema", { schema: null, mayCreate: null }, "no schema of grid's search_path is there"],
  ["no right to make tables", { mayCreate: false }, "run GRANT CREATE ON SCHEMA public TO grid"],
  ["another one's tables", { otherOwner: "boss" }, "belong to boss: migrate as boss (POSTGRES_USER)"],
  [
    "no right to make roles",
    { mayMakeRoles: false },
    "grid may not make the role smartgrid_api: let an administrator run CREATE ROLE smartgrid_api NOLOGIN; CREATE ROLE smartgrid_sweep NOLOGIN; and migrate again",
  ],
])("%s is refused in one line that says what to do", (_, facts, words) => {
  const refusal = refusalOf({ ...fit, ...facts });
  expect(refusal).toContain(words);
  expect(refusal).not.toContain("\n");
});
