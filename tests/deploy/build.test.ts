// Functions are built anew while `npm start` runs them: by `npm run package`, deploy:check, or `serverless invoke local`.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { build } from "../../commands/build/index.ts";

test("each function's bundle is there all the time, and nothing of an earlier build stays", async () => {
  await build();
  const folder = "dist/functions/ingest-sensor";
  const before = readdirSync(folder);
  // serverless packages what is there, and gives up where a file is replaced while it does.
  const inodes = () =>
    [...before.map((file) => `${folder}/${file}`), "dist/package.json"].map((path) => statSync(path).ino);
  const inodesBefore = inodes();
  writeFileSync(`${folder}/chunk-EARLIER.js`, "");
  mkdirSync("dist.999999999"); // of a build that was killed: no process can have this number
  let looks = 0;
  let misses = 0;
  const looking = setInterval(() => {
    looks += 1;
    if (!before.every((file) => existsSync(`${folder}/${file}`))) misses += 1;
  }, 1);
  try {
    await build();
  } finally {
    clearInterval(looking);
  }
  expect(looks).toBeGreaterThan(10);
  expect(misses).toBe(0);
  expect(readdirSync(folder)).toEqual(before);
  expect(inodes(), "what has not changed stays as it is").toEqual(inodesBefore);
  expect(readFileSync("dist/package.json", "utf8")).toContain("module");
  expect(readdirSync(".").filter((name) => name.startsWith("dist."))).toEqual([]);
});
