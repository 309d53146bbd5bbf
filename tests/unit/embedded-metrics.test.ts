// The lines are what CloudWatch's embedded metric format asks for, and appear on AWS only.
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readDeployedName } from "../../lib/config/environment.ts";
import { metricLine, metricUnits, metricWriter } from "../../lib/embedded-metrics.ts";

/** CloudWatch's own names of units, as PutMetricData lists them. */
const UNITS = new Set(["Seconds", "Milliseconds", "Bytes", "Percent", "Count", "None"]);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What the format's specification says must hold; the message says which rule does not. */
function broken(line: string): string[] {
  const problems: string[] = [];
  const check = (holds: boolean, rule: string) => {
    if (!holds) problems.push(rule);
  };
  check(!line.includes("\n"), "one line");
  const root: unknown = JSON.parse(line);
  if (!isObject(root) || !isObject(root._aws)) return ["an object with the object _aws"];
  const { Timestamp, CloudWatchMetrics, ...others } = root._aws;
  check(Object.keys(others).length === 0, "no other members of _aws");
  check(Number.isSafeInteger(Timestamp), "Timestamp: ms since the epoch");
  if (!Array.isArray(CloudWatchMetrics) || CloudWatchMetrics.length === 0) return [...problems, "directives"];
  for (const directive of CloudWatchMetrics) {
    const { Namespace, Dimensions, Metrics } = directive;
    check(typeof Namespace === "string" && /^[^:]{1,255}$/.test(Namespace), "Namespace: 1 to 255 characters");
    check(Metrics.length >= 1 && Metrics.length <= 100, "1 to 100 metrics");
    for (const set of Dimensions) {
      check(set.length <= 30, "at most 30 dimensions in a set");
      for (const name of set) {
        const value = root[name];
        check(
          typeof value === "string" && value.length >= 1 && value.length <= 1024,
          `dimension ${name}: text`,
        );
      }
    }
    for (const { Name, Unit } of Metrics) {
      check(UNITS.has(Unit), `${Name}: a unit of CloudWatch`);
      check(typeof root[Name] === "number" && Number.isFinite(root[Name]), `${Name}: a number in the root`);
    }
  }
  return problems;
}

const names = Object.keys(metricUnits);

afterEach(() => vi.restoreAllMocks());

describe("a line of metrics", () => {
  test("is what the embedded metric format asks for, whatever is measured", () => {
    fc.assert(
      fc.property(
        fc.subarray(names, { minLength: 1 }),
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
          minLength: names.length,
          maxLength: names.length,
        }),
        fc.constantFrom("sensor", "consumption", "weather"),
        fc.integer({ min: 0, max: 4e12 }),
        (some, values, stream, timeMs) => {
          const metrics = Object.fromEntries(some.map((name, i) => [name, values[i] ?? 0]));
          const line = metricLine("smartgrid-prod-sweep-windows", stream, metrics, timeMs);
          expect(broken(line)).toEqual([]);
          const { _aws, ...root } = JSON.parse(line);
          expect(root).toMatchObject({ FunctionName: "smartgrid-prod-sweep-windows", Stream: stream });
          expect(_aws.CloudWatchMetrics[0].Metrics.map((m: { Name: string }) => m.Name).sort()).toEqual(
            [...some].sort(),
          );
        },
      ),
    );
  });

  test("goes to standard output as it is, and nowhere on one machine", () => {
    const written: unknown[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => written.push(chunk) > 0);
    metricWriter(null)("sensor", { Lag: 1 });
    expect(written).toEqual([]);
    metricWriter("f")("sensor", { Lag: 1 });
    expect(written).toHaveLength(1);
    expect(broken(String(written[0]).trimEnd())).toEqual([]);
  });
});

test.each([
  [{}, null],
  [{ AWS_LAMBDA_FUNCTION_NAME: "f" }, "f"],
  [{ AWS_LAMBDA_FUNCTION_NAME: "f", IS_OFFLINE: "true" }, null],
  [{ AWS_LAMBDA_FUNCTION_NAME: "f", IS_LOCAL: "true" }, null],
])("a function with %j is deployed as %s", (env, name) => {
  expect(readDeployedName(env)).toBe(name);
});
