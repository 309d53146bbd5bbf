// What HTTP takes in is bounded: bodies, arrays, texts, depth. Whatever a caller sends, he is told what is wrong with
// it (4xx), it is never an internal error, and nothing of it is sent.
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { handle } from "hono/aws-lambda";
import { beforeAll, describe, expect, type MockInstance, test, vi } from "vitest";
import { ingestApp } from "../../../lib/http/ingest.ts";
import { NotStoredError } from "../../../lib/kafka/not-stored.ts";
import { consumptionRules } from "../../../lib/streams/consumption.ts";
import { sensorRules } from "../../../lib/streams/sensor.ts";
import { byStream, inZone } from "../../../lib/streams/stream.ts";
import { consumptionStream, sensorStream } from "../../../lib/streams/streams.ts";

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
  futureSkewUs: 600e6,
};
const apps = {
  sensor: ingestApp(sensorRules, sensorStream, dependencies),
  meter: ingestApp(consumptionRules, consumptionStream, dependencies),
};
const good = {
  sensor: { sensor_id: "s", sensor_type: "voltage", value: 1, location: { lat: 41, lon: 20 } },
  meter: { meter_id: "m", customer_id: "c", reading: 1 },
};

async function post(
  kind: keyof typeof apps,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<[number, string]> {
  const response = await apps[kind].request(`/api/v1/ingest/${kind}`, { method: "POST", body, headers });
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

test("numbers are sent on with all digits that came, fields that have no rule included", async () => {
  const sent: string[] = [];
  const producer = {
    send: async (_: string, records: readonly { readonly value: string }[]) => {
      sent.push(...records.map(({ value }) => value));
      return [];
    },
    close: async () => undefined,
  };
  const app = ingestApp(sensorRules, sensorStream, { ...dependencies, producer });
  const numbers = '"value":0.99999999999999999,"metadata":{"serial":12345678901234567890,"k":1.50}';
  const body = `{"sensor_id":"s","sensor_type":"voltage","location":{"lat":41,"lon":20},${numbers}}`;
  const response = await app.request("/api/v1/ingest/sensor", { method: "POST", body });
  expect(response.status).toBe(201);
  expect(sent[0]).toContain('"value":0.99999999999999999');
  expect(sent[0]).toContain('"serial":12345678901234567890');
  const [status, error] = await post(
    "meter",
    `{"meter_id":"m","customer_id":"c","reading":0.${"1".repeat(31)}}`,
  );
  expect([status, error]).toEqual([400, "Invalid field: reading is out of range"]);
});

describe("limits", () => {
  test.each<[string, keyof typeof apps, string, number, string]>([
    ["body", "sensor", " ".repeat(262_145), 413, tooLarge],
    ["body", "meter", JSON.stringify({ ...good.meter, pad: "x".repeat(262_144) }), 413, tooLarge],
    ["array", "meter", JSON.stringify(Array(501).fill(good.meter)), 400, "Expected 1 to 500 events, got 501"],
    [
      "array",
      "sensor",
      JSON.stringify(Array(501).fill(good.sensor)),
      400,
      "Expected 1 to 500 events, got 501",
    ],
    ["array", "sensor", "[]", 400, "Expected 1 to 500 events, got 0"],
    [
      "array",
      "sensor",
      JSON.stringify([good.sensor, { ...good.sensor, value: "1" }]),
      400,
      "events[1]: Invalid field: value is of the wrong type",
    ],
    ["array", "sensor", JSON.stringify([good.sensor, []]), 400, "events[1]: Expected a JSON object"],
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

describe("times", () => {
  const expected =
    'expected ISO 8601 with date and time, such as "2026-01-15T10:00Z", "2026-01-15T10:00:00.5+01:00", "20260115T100000Z" or "2026-01-15T10:00[Europe/Paris]"';
  const ahead =
    "in the future: 2026-01-15T10:10:00.000001Z is more than 600 s (FUTURE_SKEW_SECONDS) ahead of 2026-01-15T10:00:00.000000Z";
  test.each<[unknown, string]>([
    ["2026-01-15T10:10:00.000001Z", ahead],
    ["2026-01-15T11:10:00,000001+01", ahead],
    ["now", `no time that can be read: ${expected}`],
    ["2026-01-15", `no time that can be read: ${expected}`],
    [
      "2026-03-29T02:30[Europe/Paris]",
      "a local time that its zone's clocks leave out: add the offset, such as +01:00",
    ],
    [
      "2026-10-25T02:30:00[Europe/Paris]",
      "a local time that its zone's clocks show twice: add the offset, such as +01:00",
    ],
    [
      1736937000,
      `of the wrong type: ${expected}; 1736937000 would be 2025-01-15T10:30:00.000000Z if it counts seconds since 1970`,
    ],
    [
      "1736937000123",
      `no time that can be read: ${expected}; 1736937000123 would be 2025-01-15T10:30:00.123000Z if it counts milliseconds since 1970`,
    ],
    [
      1736937000123456,
      `of the wrong type: ${expected}; 1736937000123456 would be 2025-01-15T10:30:00.123456Z if it counts microseconds since 1970`,
    ],
    [
      "1736937000123456789",
      `no time that can be read: ${expected}; 1736937000123456789 would be 2025-01-15T10:30:00.123456Z if it counts nanoseconds since 1970`,
    ],
    [20260115103000, `of the wrong type: ${expected}`],
  ])("%j is refused at once, with what would be taken", async (timestamp, why) => {
    for (const kind of ["meter", "sensor"] as const)
      expect(await post(kind, JSON.stringify({ ...good[kind], timestamp }))).toEqual([
        400,
        `Invalid field: timestamp is ${why}`,
      ]);
  });

  test.each(["2026-01-15T10:10:00Z", "2026-01-15T10:00Z", "20260115T100000Z", "1970-01-01T00:00:00Z"])(
    "%s is taken",
    async (timestamp) => {
      expect((await post("meter", JSON.stringify({ ...good.meter, timestamp })))[0]).toBe(503);
    },
  );

  test("a time without a zone is judged in the stream's own", async () => {
    const zones = { ...byStream(() => "UTC"), consumption: "Europe/Tirane" };
    const app = ingestApp(consumptionRules, inZone(consumptionStream, zones), dependencies);
    const answer = async (timestamp: string) => {
      const body = JSON.stringify({ ...good.meter, timestamp });
      return (await app.request("/api/v1/ingest/meter", { method: "POST", body })).status;
    };
    expect(await answer("2026-01-15T11:10:00")).toBe(503); // 10:10 UTC
    expect(await answer("2026-01-15T11:10:01")).toBe(400);
    expect(await answer("2025-10-26T02:30:00")).toBe(400);
    expect(await answer("2025-10-26T02:30:00+01:00")).toBe(503);
  });
});

describe("bytes", () => {
  const text = JSON.stringify({ ...good.meter, customer_id: "Müller" });
  const utf8 = Buffer.from(text);
  const latin1 = Buffer.from(text, "latin1");
  const at = text.indexOf("ü");
  test.each<[string, Buffer<ArrayBuffer>, Record<string, string>, number, string]>([
    ["UTF-8", utf8, {}, 503, ""],
    ["UTF-8 that says so", utf8, { "content-type": "application/json; charset=UTF-8" }, 503, ""],
    ["UTF-8 in quotes", utf8, { "content-type": 'application/json;charset="utf-8"' }, 503, ""],
    ["UTF-8 with a mark", Buffer.concat([Buffer.from("\ufeff"), utf8]), {}, 503, ""],
    ["what curl -d calls a form", utf8, { "content-type": "application/x-www-form-urlencoded" }, 503, ""],
    ["gzip", gzipSync(utf8), { "content-encoding": "gzip" }, 503, ""],
    ["GZIP", gzipSync(utf8), { "content-encoding": "GZIP" }, 503, ""],
    ["br", brotliCompressSync(utf8), { "content-encoding": "br" }, 503, ""],
    ["deflate", deflateSync(utf8), { "content-encoding": "deflate" }, 503, ""],
    ["identity", utf8, { "content-encoding": "identity" }, 503, ""],
    ["latin-1", latin1, {}, 400, `Body is not UTF-8: 0xfc at byte ${at}`],
    [
      "latin-1 that says so",
      latin1,
      { "content-type": "application/json; charset=ISO-8859-1" },
      415,
      'Charset "ISO-8859-1" is not taken: send UTF-8',
    ],
    [
      "latin-1 in gzip",
      gzipSync(latin1),
      { "content-encoding": "gzip" },
      400,
      `Body is not UTF-8: 0xfc at byte ${at}`,
    ],
    [
      "latin-1 that somebody has decoded as UTF-8",
      Buffer.from(latin1.toString("utf8")),
      {},
      400,
      `Body is not UTF-8: U+FFFD, which is written where bytes were not UTF-8, at byte ${at}`,
    ],
    [
      "U+FFFD as an escape in an id",
      Buffer.from(text.replace("ü", "\\ufffd")),
      {},
      400,
      "Invalid field: customer_id is text that cannot be stored (NUL or a lone surrogate), or was not UTF-8 once (U+FFFD)",
    ],
    ["UTF-16", Buffer.from(text, "utf16le"), {}, 400, "Body is UTF-16 or UTF-32: send UTF-8"],
    [
      "UTF-16 with a mark",
      Buffer.from(`\ufeff${text}`, "utf16le"),
      {},
      400,
      "Body is UTF-16 or UTF-32: send UTF-8",
    ],
    [
      "UTF-16, big end first",
      Buffer.from(text, "utf16le").swap16(),
      {},
      400,
      "Body is UTF-16 or UTF-32: send UTF-8",
    ],
    [
      "an encoded surrogate",
      Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
      {},
      400,
      "Body is not UTF-8: 0xed at byte 1",
    ],
    [
      "an overlong slash",
      Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
      {},
      400,
      "Body is not UTF-8: 0xc0 at byte 1",
    ],
    ["cut off in a character", utf8.subarray(0, at + 1), {}, 400, `Body is not UTF-8: 0xc3 at byte ${at}`],
    ["nothing", Buffer.alloc(0), {}, 400, "Invalid JSON"],
    [
      "zstd",
      utf8,
      { "content-encoding": "zstd" },
      415,
      'Content-Encoding "zstd" is not taken: expected one of gzip, br and deflate, or none',
    ],
    [
      "two encodings",
      gzipSync(gzipSync(utf8)),
      { "content-encoding": "gzip, gzip" },
      415,
      'Content-Encoding "gzip, gzip" is not taken: expected one of gzip, br and deflate, or none',
    ],
    [
      "no gzip",
      utf8,
      { "content-encoding": "gzip" },
      400,
      "Body is not gzip, which its Content-Encoding says",
    ],
    [
      "half a gzip",
      gzipSync(utf8).subarray(0, -9),
      { "content-encoding": "gzip" },
      400,
      "Body is not gzip, which its Content-Encoding says",
    ],
    [
      "no br",
      gzipSync(utf8),
      { "content-encoding": "br" },
      400,
      "Body is not br, which its Content-Encoding says",
    ],
    ["gzip of 64 MB", gzipSync(Buffer.alloc(64 << 20, " ")), { "content-encoding": "gzip" }, 413, tooLarge],
    [
      "br of 64 MB",
      brotliCompressSync(Buffer.alloc(64 << 20, " ")),
      { "content-encoding": "br" },
      413,
      tooLarge,
    ],
  ])("%s", async (_, body, headers, status, error) => {
    const [answered, words] = await post("meter", body, headers);
    expect([answered, answered === 503 ? "" : words]).toEqual([status, error]);
  });

  test("are those of Lambda's event, as text or in base64", async () => {
    const handler = handle(apps.meter);
    const answer = async (body: string, isBase64Encoded: boolean, headers: Record<string, string> = {}) => {
      const event = {
        ...{
          version: "2.0",
          rawPath: "/api/v1/ingest/meter",
          rawQueryString: "",
          headers,
          body,
          isBase64Encoded,
        },
        requestContext: { domainName: "d", requestId: "r", http: { method: "POST" } },
      };
      // @ts-expect-error: only what hono reads of an event
      const { statusCode, body: answered } = await handler(event);
      return [statusCode, JSON.parse(answered).error];
    };
    expect((await answer(text, false))[0]).toBe(503);
    expect((await answer(utf8.toString("base64"), true))[0]).toBe(503);
    expect(await answer(latin1.toString("base64"), true)).toEqual([
      400,
      `Body is not UTF-8: 0xfc at byte ${at}`,
    ]);
    expect((await answer(latin1.toString("utf8"), false))[0]).toBe(400);
    const gzip = { "content-encoding": "gzip" };
    expect((await answer(gzipSync(utf8).toString("base64"), true, gzip))[0]).toBe(503);
    expect(await answer(gzipSync(utf8).toString("utf8"), false, gzip)).toEqual([
      400,
      "Body is not gzip, which its Content-Encoding says",
    ]);
  });
});
