// What HTTP takes in is bounded: bodies, arrays, texts, depth. Whatever a caller sends, he is told what is wrong with
// it (4xx), it is never an internal error, and nothing of it is sent.
import fc from "fast-check";
import { beforeAll, describe, expect, type MockInstance, test, vi } from "vitest";
import { ingestMeterApp, ingestSensorApp } from "../../../lib/http/ingest.ts";
import { NotStoredError } from "../../../lib/kafka/not-stored.ts";

let stderr: MockInstance<typeof process.stderr.write>;
beforeAll(() => {
  stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true); // each 503 is logged
});

const dependencies = {
  producer: {
    // A broker that is away: what is valid is answered with 503.
    send: async () => {
      throw new NotStoredError("t", "no broker");
    },
    close: async () => undefined,
  },
  topic: "t",
  now: () => Date.UTC(2026, 0, 15, 10),
};
const apps = {
  sensor: ingestSensorApp(dependencies),
  meter: ingestMeterApp(dependencies),
};
const good = {
  sensor: { sensor_id: "s", sensor_type: "voltage", value: 1, location: { lat: 41, lon: 20 } },
  meter: { meter_id: "m", customer_id: "c", reading: 1 },
};

async function post(kind: keyof typeof apps, body: string): Promise<[number, string]> {
  const response = await apps[kind].request(`/api/v1/ingest/${kind}`, { method: "POST", body });
  const { error }: { error: string } = JSON.parse(await response.text());
  return [response.status, error];
}

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const tooLarge = "Body too large: at most 262144 bytes";

test("a 503 is a line of JSON in the log, under the request id that API Gateway's access log has", async () => {
  const request = { method: "POST", body: JSON.stringify(good.meter) };
  const environment = { requestContext: { requestId: "r1" } };
  const { status } = await apps.meter.request("/api/v1/ingest/meter", request, environment);
  expect(status).toBe(503);
  expect(JSON.parse(String(stderr.mock.lastCall?.[0]))).toMatchObject({
    ...{ level: "error", message: expect.stringContaining("no broker") },
    ...{ path: "/api/v1/ingest/meter", request: "r1" },
  });
});

describe("limits", () => {
  test.each<[string, keyof typeof apps, string, number, string]>([
    ["body", "sensor", " ".repeat(262_145), 413, tooLarge],
    ["body", "meter", JSON.stringify({ ...good.meter, pad: "x".repeat(262_144) }), 413, tooLarge],
    ["array", "meter", JSON.stringify(Array(501).fill(good.meter)), 400, "Expected 1 to 500 events, got 501"],
    [
      "text",
      "sensor",
      JSON.stringify({ ...good.sensor, sensor_id: "x".repeat(101) }),
      400,
      "Invalid field: sensor_id is too long",
    ],
    [
      "text",
      "sensor",
      JSON.stringify({ ...good.sensor, sensor_type: "x".repeat(51) }),
      400,
      "Invalid field: sensor_type is too long",
    ],
    [
      "text",
      "meter",
      JSON.stringify([good.meter, { ...good.meter, customer_id: "x".repeat(101) }]),
      400,
      "events[1]: Invalid field: customer_id is too long",
    ],
    [
      "text",
      "meter",
      JSON.stringify({ ...good.meter, event_id: "x".repeat(301) }),
      400,
      "Invalid field: event_id is too long",
    ],
    [
      "depth",
      "sensor",
      `${JSON.stringify(good.sensor).slice(0, -1)},"metadata":${nested(30_000)}}`,
      400,
      "Nested too deep",
    ],
    [
      "identity without text",
      "sensor",
      JSON.stringify({ ...good.sensor, sensor_id: { toString: 1, valueOf: 1 } }),
      400,
      "Invalid field: sensor_id is of the wrong type",
    ],
    [
      "identity without text",
      "meter",
      JSON.stringify({ ...good.meter, event_id: { toString: 1, valueOf: 1 } }),
      400,
      "Invalid field: event_id is of the wrong type",
    ],
  ])("%s: %s %#", async (_, kind, body, status, error) => {
    expect(await post(kind, body)).toEqual([status, error]);
  });

  test("any JSON in any field is refused with a reason or would be sent, never an internal error", async () => {
    const names = ["event_id", "unit", "timestamp", ...Object.keys(good.sensor), ...Object.keys(good.meter)];
    const changes = fc.dictionary(fc.constantFrom(...names), fc.jsonValue(), { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("sensor", "meter"), changes, async (kind, changed) => {
        const [status] = await post(kind, JSON.stringify({ ...good[kind], ...changed }));
        expect([400, 503]).toContain(status);
      }),
      { numRuns: 500 },
    );
  });
});
