// One `npm start` in each folder.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lockFolder } from "../../../commands/start/folder-lock.ts";

const root = mkdtempSync(join(tmpdir(), "folder-lock-"));
afterAll(() => rmSync(root, { recursive: true }));

const me = { pid: process.pid, program: "node" };

test("a second one is refused in one line with pid and folder, and leaves the first one's lock alone", () => {
  const folder = join(root, "second");
  const unlock = lockFolder(folder, me);
  for (let again = 0; again < 2; again++)
    expect(() => lockFolder(folder, { pid: process.ppid, program: "node" })).toThrow(
      `\`npm start\` runs in ${folder} already (process ${process.pid}): stop that one first, with Ctrl-C, or set SMARTGRID_FOLDER to another folder`,
    );
  expect(readdirSync(folder)).toEqual(["start.lock"]);
  unlock();
  lockFolder(folder, me)();
  expect(readdirSync(folder)).toEqual([]);
});

test("another folder is another lock", () => {
  const [one, other] = [lockFolder(join(root, "one"), me), lockFolder(join(root, "other"), me)];
  one();
  other();
});

test.each([
  ["a process that is gone", JSON.stringify({ pid: 2 ** 22 + 1, program: "node" })],
  [
    "a pid that is another program's by now",
    JSON.stringify({ pid: process.pid, program: "of a killed run" }),
  ],
  ["a kill in the midst of writing", ""],
])("what %s has left is taken over", (what, content) => {
  const folder = join(root, what);
  lockFolder(folder, me)();
  writeFileSync(join(folder, "start.lock"), content);
  const unlock = lockFolder(folder, me);
  expect(() => lockFolder(folder, me)).toThrow(`process ${process.pid}`);
  expect(readdirSync(folder)).toEqual(["start.lock"]);
  unlock();
});
