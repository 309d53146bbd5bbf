// `npm run cost`: what it refuses, and how it says that a price is another region's.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const cost = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, ["commands/cost/index.ts", ...args])).stdout;

test.each([
  ["--interval 10", "--interval wants --sensors"],
  ["--meters 5 --keys 10", "--keys wants --sensors"],
  ["--sensors 5 --meter-interval 60", "--meter-interval wants --meters"],
  [
    "--sensors 5 --interval 0",
    "'--interval <seconds>' argument '0' is invalid. Expected a number of 0.001 or more.",
  ],
  ["--sensors 1.5", "'--sensors <number>' argument '1.5' is invalid. Expected a whole number of 0 or more."],
  ["--window 500", "'--window <seconds>' argument '500' is invalid. Expected a whole number from 0 to 300."],
  [
    "--retention-days 0",
    "'--retention-days <days>' argument '0' is invalid. Expected a number of 0.001 or more.",
  ],
  [
    "--region eu-south-9",
    "--region eu-south-9: commands/cost/prices.json has no price of it, only of us-east-1 and",
  ],
])("%s is refused", async (args, message) => {
  await expect(cost(...args.split(" "))).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(message),
  });
});

const demo = ["--sensors", "200", "--meters", "200"];

test("a price that is another region's is marked in its line, in the sum, and listed to be looked up", async () => {
  const bill = await cost(...demo, "--region", "eu-central-1");
  expect(bill).toMatch(/^this pipeline: .* an hour; 135\.05 of it at us-east-1's prices$/m);
  expect(bill).toMatch(/ Event poller units .*: us-east-1's price$/m);
  expect(bill).toMatch(
    /"eu-central-1" in commands\/cost\/prices\.json:\n {2}eventPollerUnit, per unit-hour: https:.*\n {2}flinkUnit/,
  );
  expect(bill.match(/us-east-1's price$/gm)).toHaveLength(1);
  expect(await cost(...demo)).not.toContain("us-east-1's price");
});

test("--json names whose price each line has, and what is to be looked up", async () => {
  const answer: unknown = JSON.parse(await cost(...demo, "--region", "eu-central-1", "--json"));
  expect(answer).toMatchObject({
    toCheck: ["eventPollerUnit", "flinkUnit"],
    prices: { eventPollerUnit: { usd: 0.185, region: "us-east-1" }, auroraIo: { region: "eu-central-1" } },
  });
  expect(answer).toHaveProperty(
    "estimates.0.bills.0.lines",
    expect.arrayContaining([expect.objectContaining({ price: "eventPollerUnit", region: "us-east-1" })]),
  );
});
