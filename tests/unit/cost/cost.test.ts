// The cost model keeps arithmetic's laws: lines sum to the total, more load never costs less, and every price has a source.
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bill, SECONDS_PER_MONTH, totalOf } from "../../../commands/cost/bill.ts";
import { breakEven } from "../../../commands/cost/break-even.ts";
import { readTriggers } from "../../../commands/cost/deployment.ts";
import { engineBill, engineNames } from "../../../commands/cost/engines.ts";
import { type Deployment, pipelineBill, processingOf } from "../../../commands/cost/pipeline.ts";
import file from "../../../commands/cost/prices.json" with { type: "json" };
import { bases, type PriceName, pricesOf } from "../../../commands/cost/prices.ts";
import { eventsPerSecondOf, loadsOf, scale, type Workload } from "../../../commands/cost/workload.ts";

const prices = pricesOf("us-east-1");
const serverlessYml = await readFile(new URL("../../../serverless.yml", import.meta.url), "utf8");
const deployed: Deployment = {
  ...readTriggers(serverlessYml),
  kafka: "serverless",
  pollers: "provisioned",
  network: "endpoints",
};

const small: Workload = {
  ...{ sensors: 1_000, sensorIntervalSeconds: 60, sensorKeys: 1_000 },
  ...{ meters: 0, meterIntervalSeconds: 900, keepDays: 365, retentionDays: 7 },
};
const workloads: fc.Arbitrary<Workload> = fc
  .record({
    sensors: fc.integer({ min: 0, max: 2_000_000 }),
    sensorIntervalSeconds: fc.constantFrom(0.1, 1, 10, 60, 900),
    meters: fc.integer({ min: 0, max: 5_000_000 }),
    meterIntervalSeconds: fc.constantFrom(1, 60, 900, 3_600),
    keepDays: fc.integer({ min: 0, max: 3_650 }),
    retentionDays: fc.integer({ min: 1, max: 30 }),
    keysPerSensor: fc.constantFrom(0.1, 1),
  })
  .map(({ keysPerSensor, ...workload }) => ({
    ...workload,
    sensorKeys: Math.ceil(workload.sensors * keysPerSensor),
  }));
const deployments: fc.Arbitrary<Deployment> = fc
  .record({
    kafka: fc.constantFrom<Deployment["kafka"]>("serverless", "provisioned"),
    pollers: fc.constantFrom<Deployment["pollers"]>("on-demand", "grouped", "provisioned"),
    network: fc.constantFrom<Deployment["network"]>("endpoints", "nat"),
    memoryMb: fc.constantFrom(128, 256, 1_769, 3_008),
  })
  .map((settings) => ({ ...deployed, ...settings }));

const allBills = (workload: Workload, deployment: Deployment): Bill[] => [
  pipelineBill(workload, deployment, prices),
  ...engineNames.map((engine) => engineBill(engine, workload, deployment.kafka, prices)),
];
const lineOf = (bill: Bill, item: string) => bill.lines.find((line) => line.item === item)?.quantity ?? 0;

describe("a bill", () => {
  test("is the sum of its lines, each a quantity times a listed price", () => {
    fc.assert(
      fc.property(workloads, deployments, (workload, deployment) => {
        for (const bill of allBills(workload, deployment)) {
          for (const line of bill.lines) {
            expect(line.usd).toBe(line.quantity * prices(line.price).usd);
            expect(line.quantity, line.item).toBeGreaterThan(0);
            expect(Number.isFinite(line.usd)).toBe(true);
          }
          expect(totalOf(bill)).toBeCloseTo(
            bill.lines.reduce((sum, line) => sum + line.usd, 0),
            6,
          );
          expect(new Set(bill.lines.map((line) => line.item)).size).toBe(bill.lines.length);
        }
      }),
    );
  });

  test("never falls when there are more devices of the same kind, in any way of processing", () => {
    fc.assert(
      fc.property(
        workloads,
        deployments,
        fc.double({ min: 1, max: 1_000, noNaN: true }),
        (workload, deployment, factor) => {
          // A larger load may move from MSK Serverless to brokers, which is another price list.
          const provisioned: Deployment = { ...deployment, kafka: "provisioned" };
          const [small, large] = [workload, scale(workload, factor)].map((load) =>
            allBills(load, provisioned).map(totalOf),
          );
          // The cost of requests falls a little where batches fill up: 1 % and a dollar are allowed for it.
          for (const [i, usd] of (small ?? []).entries())
            expect(large?.[i] ?? 0).toBeGreaterThanOrEqual(usd * 0.99 - 1);
        },
      ),
    );
  });

  test("has the units that its prices are for", () => {
    const bill = pipelineBill(small, deployed, prices);
    const gbPerMonth = ((1_000 / 60) * 250 + 0.1 * 330) * SECONDS_PER_MONTH * 1e-9;
    expect(lineOf(bill, "MSK Serverless: written")).toBeCloseTo(gbPerMonth, 6);
    expect(lineOf(bill, "MSK Serverless: cluster")).toBe(730);
    expect(lineOf(bill, "MSK Serverless: partitions")).toBe(9 * 730);
    expect(lineOf(bill, "Event poller units")).toBe(3 * 730); // a unit for each mapping
    expect(
      lineOf(pipelineBill(small, { ...deployed, pollers: "grouped" }, prices), "Event poller units"),
    ).toBe(730);
    expect(lineOf(bill, "Aurora Serverless v2: capacity")).toBe(0.5 * 730);
    // 1,000 keys, a row each in 5 minutes, for a year, and the weather's one an hour.
    expect(lineOf(bill, "Aurora: storage")).toBeCloseTo(((1_000 * 12 + 1) * 24 * 365 * 320) / 1e9, 6);
  });

  test("asks for no more work than there are events, and for as many partitions as keep up", () => {
    fc.assert(
      fc.property(workloads, deployments, (workload, deployment) => {
        for (const load of loadsOf(workload)) {
          const trigger = deployment.triggers[load.stream];
          const one = processingOf(load, trigger, deployment.memoryMb);
          expect(one.eventsPerBatch).toBeLessThanOrEqual(trigger.batchSize);
          expect(one.rowTouchesPerSecond).toBeLessThanOrEqual(load.eventsPerSecond * (1 + 1e-9));
          expect(one.invocationsPerSecond * one.eventsPerBatch).toBeCloseTo(load.eventsPerSecond, 3);
          expect(one.concurrency).toBeLessThanOrEqual(one.partitions);
        }
      }),
    );
  });
});

describe("the load from which another way is cheaper", () => {
  const shape: Workload = {
    ...{ sensors: 1_000, sensorIntervalSeconds: 1, sensorKeys: 1_000 },
    ...{ meters: 0, meterIntervalSeconds: 900, keepDays: 365, retentionDays: 7 },
  };
  /** A bill of a fixed part and a part per event. */
  const line = (fixedUsd: number, usdPerEventPerSecond: number) => (workload: Workload) => {
    const usd = fixedUsd + eventsPerSecondOf(loadsOf(workload)) * usdPerEventPerSecond;
    const price: PriceName = "alarm";
    return { name: "", notes: [], limits: [], lines: [{ item: "", quantity: 1, price, region: "", usd }] };
  };

  test("is where two straight lines cross", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e4, noNaN: true }),
        fc.double({ min: 2, max: 1e6, noNaN: true }),
        (slope, crossing) => {
          const found = breakEven(shape, line(0, 2 * slope), line(crossing * slope, slope));
          expect((found ?? 0) / crossing).toBeCloseTo(1, 3);
        },
      ),
    );
  });

  test("is null where it never is, and 0 where it always is", () => {
    expect(breakEven(shape, line(0, 1), line(1, 1))).toBeNull();
    expect(breakEven(shape, line(2, 1), line(1, 1))).toBe(0);
  });

  test("parts the bills: dearer from there on, not dearer just below", () => {
    for (const engine of engineNames) {
      const ours = (load: Workload) => pipelineBill(load, { ...deployed, pollers: "on-demand" }, prices);
      const theirs = (load: Workload) => engineBill(engine, load, "serverless", prices);
      const from = breakEven(shape, ours, theirs) ?? 0;
      const dearerBy = (eventsPerSecond: number) => {
        const load = scale(shape, eventsPerSecond / eventsPerSecondOf(loadsOf(shape)));
        return totalOf(ours(load)) - totalOf(theirs(load));
      };
      expect(from, engine).toBeGreaterThan(0);
      expect(dearerBy(from * 1.001), engine).toBeGreaterThan(0);
      expect(dearerBy(from * 0.999), engine).toBeLessThanOrEqual(0);
    }
  });
});

test("a region's own price is taken, and us-east-1's where it has none, which says whose it is", () => {
  const here = pricesOf("eu-central-1");
  expect(here("mskServerlessCluster")).toMatchObject({ usd: 0.9, region: "eu-central-1" });
  expect(here("eventPollerUnit")).toEqual(prices("eventPollerUnit"));
  expect(prices("eventPollerUnit").region).toBe("us-east-1");
  const bill = pipelineBill(small, deployed, here);
  expect(bill.lines.filter((line) => line.region !== "eu-central-1").map((line) => line.price)).toEqual([
    "eventPollerUnit",
  ]);
  expect(() => pricesOf("eu-south-9")).toThrow(
    "--region eu-south-9: commands/cost/prices.json has no price of it, only of us-east-1 and eu-central-1",
  );
});

test("every price says its unit, where it is from, and the page to check it on", () => {
  for (const [name, price] of Object.entries(file.regions).flatMap(([, of]) => Object.entries(of))) {
    expect(price.usd, name).toBeGreaterThan(0);
    expect(price.per, name).not.toBe("");
    expect(price.source, name).not.toBe("");
    expect(price.date, name).toMatch(/^(\d{4}-\d\d-\d\d|not dated)$/);
    expect(Object.keys(bases), name).toContain(price.basis);
    expect(price.page, name).toMatch(/^https:\/\/aws\.amazon\.com\/[\w/-]+\/pricing\/$/);
  }
});

test("every price is of use", () => {
  const used = new Set<PriceName>();
  fc.assert(
    fc.property(workloads, deployments, (workload, deployment) => {
      for (const bill of allBills(workload, deployment)) for (const { price } of bill.lines) used.add(price);
    }),
    { seed: 8 }, // what is drawn decides whether all are seen
  );
  expect([...used].sort()).toEqual(Object.keys(file.regions["us-east-1"]).sort());
});

test("batches, windows and memory are those of serverless.yml, or the field that is none is named", () => {
  expect(deployed.triggers.sensor).toEqual({ batchSize: 2_500, batchingWindowSeconds: 1 });
  expect(() => readTriggers("provider: { memorySize: 256 }")).toThrow(
    "serverless.yml: functions.aggregate-sensor.events.0.msk.batchSize: expected a number, got undefined",
  );
});
