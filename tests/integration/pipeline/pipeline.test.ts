// The whole as its users meet it: HTTP and topics in, SQL out, through serverless-offline and the Kafka triggers.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import {
  DescribeClusterV2Command,
  GetBootstrapBrokersCommand,
  KafkaClient,
  ListClustersV2Command,
} from "@aws-sdk/client-kafka";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layouts } from "../../../commands/replay/layouts/index.ts";
import { Positions } from "../../../commands/replay/positions.ts";
import { readFileReadings } from "../../../commands/replay/read.ts";
import { sendReadings } from "../../../commands/replay/send.ts";
import { daysToNow } from "../../../commands/replay/shift.ts";
import { DAY_US } from "../../../commands/replay/times.ts";
import { type RunningFunctions, startFunctions } from "../../../commands/start/functions.ts";
import { openProducer } from "../../../lib/kafka/produce.ts";
import { createLogins } from "../../../lib/postgres/logins.ts";
import { freePort } from "../../../localstack/ports.ts";
import { runProgram } from "../commands.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { connectKafka, type TestKafka, until } from "../topics.ts";
import { listenersBelow } from "./listening.ts";
import { hasPython, installKafkaClient, runPython } from "./python.ts";

let kafka: TestKafka;
let database: TestDatabase;
let functions: RunningFunctions;
let folder: string;
let environment: Record<string, string>;
let topics: { sensor: string; consumption: string; weather: string };

beforeAll(async () => {
  kafka = await connectKafka();
  database = await createDatabase();
  topics = {
    sensor: await kafka.createTopic(4),
    consumption: await kafka.createTopic(4),
    weather: await kafka.createTopic(1),
  };
  folder = await mkdtemp(join(tmpdir(), "smartgrid-functions-"));
  // Each function runs with its own role's rights, and with no more.
  const passwords = { ingest: "i", sweep: "s", api: "a", read: "r" };
  const client = await database.pool.connect();
  const users = await createLogins(client, "pipeline", passwords);
  client.release();
  environment = {
    ...database.environment,
    ...users,
    KAFKA_BROKER: kafka.brokers,
    KAFKA_TOPIC_SENSOR_DATA: topics.sensor,
    KAFKA_TOPIC_METER_READINGS: topics.consumption,
    KAFKA_TOPIC_WEATHER: topics.weather,
    WATERMARK_IDLE_SECONDS: "2",
    SWEEP_INTERVAL: "1",
    AMENDMENT_HORIZON_DAYS: "30", // the household's fortnight ends today, and all of it can still be amended
  };
  functions = await startFunctions(folder, await freePort(), environment);
});
afterAll(async () => {
  await functions?.stop();
  await Promise.all([kafka?.close(), database?.close()]);
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${functions.httpUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: text,
  });
  const answer: Record<string, unknown> = JSON.parse(await response.text());
  return { status: response.status, body: answer };
}

async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await database.pool.query<Record<string, unknown>>(sql, values)).rows;
}

const utf8 = Buffer.from(JSON.stringify({ meter_id: "b", customer_id: "Müller", reading: 0 }));
const location = { lat: 41.33, lon: 19.82 };

describe("HTTP", () => {
  test("POST /api/v1/weather/generate answers with the contract's fields, and the weather counts", async () => {
    const { status, body } = await post("/api/v1/weather/generate", "");
    expect(status).toBe(201);
    expect(body).toEqual({
      status: "success",
      message: expect.any(String),
      weather_data: {
        event_id: expect.any(String),
        timestamp: expect.stringMatching(/Z$/),
        temperature: expect.any(Number),
        humidity: expect.any(Number),
        pressure: expect.any(Number),
        wind_speed: expect.any(Number),
        weather_condition: expect.any(String),
        location: { lat: expect.any(Number), lon: expect.any(Number) },
      },
      kafka_topic: topics.weather,
      partition: 0,
      offset: expect.any(Number),
    });
    const [row] = await until(
      () => rowsOf("SELECT * FROM weather_aggregates_realtime"),
      (rows) => rows.length > 0,
    );
    expect(row).toMatchObject({ state: "open", weather_condition: expect.any(String) });
  });

  test("a sensor reading is taken in, and visible in its open window", async () => {
    const { status, body } = await post("/api/v1/ingest/sensor", {
      sensor_id: "http-1",
      sensor_type: "voltage",
      value: 231.5,
      location,
      metadata: { by: "test" },
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      status: "success",
      event_id: expect.stringMatching(/^http-1_\d+\.\d{6}_[0-9a-f-]{36}$/),
      kafka_topic: topics.sensor,
      partition: expect.any(Number),
      offset: expect.any(Number),
    });
    const rows = await until(
      () => rowsOf("SELECT * FROM sensor_aggregates_realtime WHERE sensor_id = 'http-1'"),
      (found) => found.length > 0,
    );
    expect(rows).toEqual([
      expect.objectContaining({ count: "1", avg_value: "231.5000000000000000", state: "open", revision: 0 }),
    ]);
  });

  test("meter readings, one or many; all or none are taken in", async () => {
    const timestamp = new Date().toISOString(); // one, so that they are of one hour
    const reading = { meter_id: "http-m", customer_id: "http-c", reading: 1.25, timestamp };
    expect(await post("/api/v1/ingest/meter", reading)).toMatchObject({
      status: 201,
      body: { status: "success", event_id: expect.any(String), kafka_topic: topics.consumption },
    });
    expect(
      (await post("/api/v1/ingest/meter", [reading, { ...reading, unit: "Wh", reading: 500 }])).body,
    ).toMatchObject({
      status: "success",
      count: 2,
    });
    expect(await post("/api/v1/ingest/meter", [reading, { ...reading, reading: "a lot" }])).toEqual({
      status: 400,
      body: { error: "events[1]: Invalid field: reading is of the wrong type" },
    });
    const rows = await until(
      () =>
        rowsOf(
          "SELECT total_consumption, reading_count FROM consumption_aggregates_realtime WHERE customer_id = 'http-c'",
        ),
      (found) => found[0]?.reading_count === "3",
    );
    expect(rows).toEqual([{ total_consumption: "3.000000", reading_count: "3" }]);
  });

  test.each([
    [
      "/api/v1/ingest/sensor",
      { sensor_type: "voltage", value: 1, location },
      400,
      "Missing required field: sensor_id",
    ],
    [
      "/api/v1/ingest/sensor",
      { sensor_id: "x", sensor_type: "voltage", value: 1 },
      400,
      "Missing required field: location",
    ],
    [
      "/api/v1/ingest/sensor",
      { sensor_id: "x", sensor_type: "v", value: "1", location },
      400,
      "Invalid field: value is of the wrong type",
    ],
    ["/api/v1/ingest/sensor", "{", 400, "Invalid JSON"],
    ["/api/v1/ingest/sensor", "[]", 400, "Expected 1 to 500 events, got 0"],
    ["/api/v1/ingest/sensor", "7", 400, "Expected a JSON object"],
    ["/api/v1/ingest/meter", { meter_id: "m", customer_id: "c" }, 400, "Missing required field: reading"],
    [
      "/api/v1/ingest/meter",
      { meter_id: "m", customer_id: "c", reading: -1 },
      400,
      "Invalid field: reading is out of range",
    ],
    [
      "/api/v1/ingest/meter",
      { meter_id: "m", customer_id: "c", reading: 1, unit: "J" },
      400,
      "Invalid field: unit is not one of kWh, Wh, MWh",
    ],
    [
      "/api/v1/ingest/meter",
      { meter_id: "m", customer_id: "c", reading: 1, timestamp: "now" },
      400,
      'Invalid field: timestamp is no time that can be read: expected ISO 8601 with date and time, such as "2026-01-15T10:00Z", "2026-01-15T10:00:00.5+01:00", "20260115T100000Z" or "2026-01-15T10:00[Europe/Paris]"',
    ],
    ["/api/v1/ingest/meter", [], 400, "Expected 1 to 500 events, got 0"],
    ["/api/v1/ingest/meter", { pad: "x".repeat(262_144) }, 413, "Body too large: at most 262144 bytes"],
  ])("%s refuses bad body %#", async (path, body, status, error) => {
    expect(await post(path, body)).toEqual({ status, body: { error } });
  });

  test.each<[string, Buffer<ArrayBuffer>, Record<string, string>, number, unknown]>([
    ["UTF-8", utf8, {}, 201, undefined],
    ["gzip", gzipSync(utf8), { "content-encoding": "gzip" }, 201, undefined],
    ["br", brotliCompressSync(utf8), { "content-encoding": "br" }, 201, undefined],
    ["latin-1", Buffer.from(utf8.toString("utf8"), "latin1"), {}, 400, "Body is not UTF-8: 0xfc at byte 32"],
    [
      "a bomb",
      gzipSync(Buffer.alloc(2 ** 24)),
      { "content-encoding": "gzip" },
      413,
      "Body too large: at most 262144 bytes",
    ],
    [
      "a charset",
      utf8,
      { "content-type": "application/json; charset=latin1" },
      415,
      'Charset "latin1" is not taken: send UTF-8',
    ],
  ])("a body is read as the bytes that were sent: %s", async (_, body, headers, status, error) => {
    const response = await fetch(`${functions.httpUrl}/api/v1/ingest/meter`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    const answer: { error?: string } = JSON.parse(await response.text());
    expect([response.status, answer.error]).toEqual([status, error]);
  });

  test("500 requests at once: each is stored and counted, or refused with an error", async () => {
    const timestamp = new Date().toISOString();
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        post("/api/v1/ingest/meter", {
          event_id: `burst-${index}`,
          meter_id: "burst",
          customer_id: "burst",
          reading: 1,
          timestamp,
        }),
      ),
    );
    const stored = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 503);
    expect(stored.length + refused.length).toBe(500);
    expect(stored.length).toBeGreaterThanOrEqual(50); // so many run at once where it is deployed
    expect(refused.length).toBeGreaterThan(0);
    const rows = await until(
      () => rowsOf("SELECT reading_count FROM consumption_aggregates_realtime WHERE customer_id = 'burst'"),
      (found) => Number(found[0]?.reading_count) >= stored.length,
    );
    expect(rows).toEqual([{ reading_count: String(stored.length) }]);
  });

  test("GET /health and /ready", async () => {
    const health = await fetch(`${functions.httpUrl}/health`);
    expect(await health.json()).toEqual({
      status: "healthy",
      service: "smartgrid-pipeline",
      timestamp: expect.any(String),
    });
    const ready = await until(
      async () => {
        const answer: { status: string } = JSON.parse(
          await (await fetch(`${functions.httpUrl}/ready`)).text(),
        );
        return answer;
      },
      ({ status }) => status !== "starting",
    );
    expect(ready).toMatchObject({ status: "ready", kafka: "ok", postgres: "ok", trouble: [] });
    const metrics = await (await fetch(`${functions.httpUrl}/metrics`)).text();
    expect(metrics).toContain(
      `smartgrid_partition_lag_records{stream="weather",topic="${topics.weather}",partition="0"}`,
    );
  });
});

describe("the functions by other ways", () => {
  test("each is the database's user of its own kind", async () => {
    // Each of them has something to do now, and keeps its connection for some seconds after.
    await post("/api/v1/ingest/sensor", { sensor_id: "kind", sensor_type: "voltage", value: 1, location });
    await post("/api/v1/ingest/meter", { meter_id: "kind", customer_id: "kind", reading: 1 });
    await post("/api/v1/weather/generate", "");
    await (await fetch(`${functions.httpUrl}/ready`)).text();
    const users = new Map<unknown, unknown>();
    await until(
      async () => {
        const sessions = await rowsOf(
          "SELECT application_name AS name, usename AS user FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'smartgrid-local-%'",
        );
        for (const { name, user } of sessions) users.set(name, user);
        return users.size;
      },
      (found) => found >= 5,
    );
    expect(Object.fromEntries(users)).toEqual({
      "smartgrid-local-aggregate-consumption": "smartgrid_ingest_pipeline",
      "smartgrid-local-aggregate-sensor": "smartgrid_ingest_pipeline",
      "smartgrid-local-aggregate-weather": "smartgrid_ingest_pipeline",
      "smartgrid-local-health": "smartgrid_api_pipeline",
      "smartgrid-local-sweep-windows": "smartgrid_sweep_pipeline",
    });
  });

  test.skipIf(process.platform !== "linux")("nothing listens at any other address than 127.0.0.1", () => {
    const listeners = listenersBelow(process.ppid);
    const ours = [functions.httpUrl, functions.lambdaUrl, functions.controlUrl, database.url];
    const ports = [...ours.map((url) => new URL(url).port), kafka.brokers.split(":")[1]].map(Number);
    expect(listeners.map(({ port }) => port)).toEqual(expect.arrayContaining(ports));
    expect(listeners.filter(({ address }) => address !== "127.0.0.1")).toEqual([]);
  });

  test("the invoke endpoint runs the sweeper", async () => {
    const response = await fetch(
      `${functions.lambdaUrl}/2015-03-31/functions/smartgrid-local-sweep-windows/invocations`,
      {
        method: "POST",
        body: "{}",
      },
    );
    expect(response.status).toBe(200);
    expect(response.headers.has("x-amz-function-error")).toBe(false);
  });

  test("serverless invoke local -f sweep-windows", async () => {
    const args = ["invoke", "local", "-f", "sweep-windows", "-d", "{}"];
    const invoked = await runProgram("node_modules/serverless/bin/serverless.js", args, environment);
    expect(invoked.stdout + invoked.stderr).toContain('"message":"swept"');
    expect(invoked.code).toBe(0);
  });
});

describe("MSK's control plane", () => {
  test("tells @aws-sdk/client-kafka the cluster and its brokers", async () => {
    const client = new KafkaClient({
      endpoint: functions.controlUrl,
      region: "local",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
    const { ClusterInfoList = [] } = await client.send(new ListClustersV2Command({}));
    const ClusterArn = ClusterInfoList[0]?.ClusterArn;
    expect(ClusterInfoList).toMatchObject([
      { State: "ACTIVE", ClusterType: "SERVERLESS", CreationTime: expect.any(Date) },
    ]);
    const { BootstrapBrokerStringSaslIam } = await client.send(
      new GetBootstrapBrokersCommand({ ClusterArn }),
    );
    expect(BootstrapBrokerStringSaslIam).toBe(kafka.brokers);
    const { ClusterInfo } = await client.send(new DescribeClusterV2Command({ ClusterArn }));
    expect(ClusterInfo?.ClusterArn).toBe(ClusterArn);
    const missing = client.send(new GetBootstrapBrokersCommand({ ClusterArn: `${ClusterArn}x` }));
    await expect(missing).rejects.toMatchObject({ name: "NotFoundException" });
  });
});

describe.skipIf(!hasPython)("the old installation's Python producer, unchanged", () => {
  beforeAll(installKafkaClient, 120_000);

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "zoneless microseconds, compressed by %s",
    async (compression) => {
      const script = join(import.meta.dirname, "python-producer.py");
      const startMs = Math.floor(Date.now() / 300_000) * 300_000 - 3 * 3_600_000;
      const start = new Date(startMs).toISOString().replace("000Z", "123456");
      runPython(script, [kafka.brokers, topics.sensor, compression, "700", start]);
      const rows = await until(
        () =>
          rowsOf(
            `SELECT extract(epoch FROM window_start)::bigint * 1000 AS start, count, avg_value::float8 AS avg
           FROM sensor_aggregates_realtime WHERE sensor_id = $1 ORDER BY 1`,
            [`python-${compression}`],
          ),
        (found) => found.reduce((sum, row) => sum + Number(row.count), 0) === 700,
      );
      expect(rows.map((row) => [Number(row.start), row.count])).toEqual([
        [startMs, "300"],
        [startMs + 300_000, "300"],
        [startMs + 600_000, "100"],
      ]);
      const mean = Array.from({ length: 300 }, (_, i) => 220 + (i % 7) / 10).reduce((a, b) => a + b) / 300;
      expect(rows[0]?.avg).toBeCloseTo(mean, 9);
    },
  );
});

describe("poison", () => {
  test("is quarantined as it came, and everything else of its batch counts", async () => {
    const timestamp = new Date().toISOString();
    const good = (id: number) =>
      JSON.stringify({ event_id: `p-${id}`, meter_id: "p", customer_id: "poisoned", reading: 1, timestamp });
    const values: (string | Buffer | null)[] = [
      good(1),
      "{",
      null,
      "",
      Buffer.from([0xff, 0x00]),
      '{"__proto__":1}',
      good(2),
      good(2),
      "\ufeff{}",
    ];
    const sent = await kafka.producer.send({
      topic: topics.consumption,
      messages: values.map((value) => ({ key: "p", partition: 0, value })),
    });
    const first = Number(sent[0]?.baseOffset);
    const rows = await until(
      () =>
        rowsOf(
          `SELECT "offset"::int - $1 AS nth, reason, field, value FROM quarantine WHERE topic = $2 ORDER BY 1`,
          [first, topics.consumption],
        ),
      (found) => found.length >= 6,
    );
    expect(rows).toEqual([
      { nth: 1, reason: "malformed_json", field: null, value: Buffer.from("{") },
      { nth: 2, reason: "null_value", field: null, value: null },
      { nth: 3, reason: "empty_value", field: null, value: Buffer.alloc(0) },
      { nth: 4, reason: "invalid_utf8", field: null, value: Buffer.from([0xff, 0x00]) },
      { nth: 5, reason: "missing_field", field: "event_id", value: Buffer.from('{"__proto__":1}') },
      { nth: 8, reason: "malformed_json", field: null, value: Buffer.from("\ufeff{}") },
    ]);
    const counted = await rowsOf(
      "SELECT reading_count FROM consumption_aggregates_realtime WHERE customer_id = 'poisoned'",
    );
    expect(counted).toEqual([{ reading_count: "2" }]);
  });
});

describe("npm run replay", () => {
  const replay = (file: string, ...options: string[]) =>
    runProgram(
      "commands/replay/index.ts",
      [file, "--map", "meter_id=Meter,reading=Energy,timestamp=When", ...options],
      {
        ...database.environment,
        KAFKA_BROKER: kafka.brokers,
        KAFKA_TOPIC_SENSOR_DATA: topics.sensor,
        KAFKA_TOPIC_METER_READINGS: topics.consumption,
        KAFKA_TOPIC_WEATHER: topics.weather,
      },
    );
  const counted = () =>
    rowsOf(
      "SELECT sum(total_consumption)::float8 AS kwh FROM consumption_aggregates_realtime WHERE customer_id LIKE 'replayed-%'",
    );

  test("a recent file keeps its times without being asked", async () => {
    const file = join(folder, "recent.csv");
    const time = new Date(Date.now() - 86_400_000).toISOString();
    await writeFile(file, `When,Meter,Energy\n${time},recent,1\n`);
    const sent = await replay(file);
    expect([sent.code, sent.stdout]).toEqual([0, expect.stringContaining("sent without a shift")]);
    expect(
      await rowsOf("SELECT state FROM consumption_aggregates_realtime WHERE customer_id = 'recent'"),
    ).toHaveLength(1);
    const watermarks = "SELECT FROM stream_state WHERE stream = 'consumption' AND watermark IS NOT NULL";
    await until(
      () => rowsOf(watermarks),
      (found) => found.length === 1,
    );
  });

  test("a file that is refused before anything is sent pins no shift: another one may be chosen", async () => {
    const file = join(folder, "refused.csv");
    await writeFile(file, "When,Meter,Energy\n2020-01-01T00:00Z,refused,1\n");
    const refused = await replay(file, "--shift", "none");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("too late")]);
    const unsaid = await replay(file);
    expect([unsaid.code, unsaid.stderr]).toEqual([
      2,
      expect.stringMatching(/2020-01-01T00:00Z[\s\S]*1 event would be too late[\s\S]*--shift now/),
    ]);
    expect(await replay(file, "--dry-run")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("1 event would be too late"),
    });
    expect(await rowsOf("SELECT * FROM replay_shift WHERE series = 'refused'")).toEqual([]);
  });

  test("a file that comes again counts once; what is not counted is told with its line, and by the exit code", async () => {
    const file = join(folder, "replayed.csv");
    const row = (time: string, meter: string, energy: string) =>
      `2020-01-01T${time}Z,replayed-${meter},${energy}`;
    const rows = [row("00:00", "a", "12.5"), row("00:30", "a", "0.9"), row("01:00", "b", "1e13")];
    await writeFile(file, `When,Meter,Energy\n${rows.join("\n")}\n`);
    const first = await replay(file, "--shift", "now");
    expect([first.code, first.stdout]).toEqual([
      4,
      expect.stringMatching(
        /counted 2 · quarantined 1[\s\S]*quarantined: 1 × out_of_range \(reading\): line 4/,
      ),
    ]);
    expect(first.stderr).toMatch(/not everything was counted: 1 quarantined\n$/);
    rows[1] = row("00:30", "a", "1.9");
    rows[2] = row("01:00", "b", "1");
    await writeFile(file, `When,Meter,Energy\n${rows.join("\n")}\n`);
    const dry = await replay(file, "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringMatching(
        /a shift of \d+ days \(kept since[\s\S]*SENT BEFORE: 2 of 3 readings that were looked up are counted already/,
      ),
    ]);
    const again = await replay(file);
    expect([again.code, again.stdout]).toEqual([
      4,
      expect.stringMatching(/sent with a shift of \d+ days \(kept since \d{4}-/),
    ]);
    expect(again.stdout).toMatch(
      /counted 1 · quarantined 0 · too late 0 · in conflict 1 · duplicates 1\nin conflict: line 3\nduplicates: line 2/,
    );
    expect(await counted()).toEqual([{ kwh: 14.4 }]);
  });
});

describe("a real household's fortnight", () => {
  test("gives the statistics that SQL computes from the file's rows", async () => {
    const file = "../shared/data/household-power.txt.gz";
    const layout = layouts.get("uci-household");
    if (layout === undefined) throw new Error("no layout uci-household");
    const contents = await readFileReadings(file, {
      layout,
      layoutOptions: { meter: null, zone: null },
      encoding: null,
      selection: "all",
      negative: "doubt",
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    const { survey } = contents;
    expect([survey.count, survey.skipped.count]).toEqual([77_776, 3]);
    const shiftUs = daysToNow(survey.last?.timeUs ?? 0, Date.now() * 1000) * DAY_US;
    const producer = openProducer({
      brokers: [kafka.brokers],
      clusterArn: null,
      clientId: "replay",
      iam: false,
    });
    await sendReadings(producer, contents.readings(), new Positions(), {
      topics,
      shiftUs,
      speed: Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
      onSent: () => undefined,
    });
    await producer.close();
    contents.close();

    // The raw rows, by another way: text to numeric in PostgreSQL, its own aggregates over them.
    await database.pool.query("CREATE TABLE raw (at timestamptz, kw numeric, volt numeric, ampere numeric)");
    const { gunzipSync } = await import("node:zlib");
    const { readFileSync } = await import("node:fs");
    const lines = gunzipSync(readFileSync(file))
      .toString("latin1")
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split(";"));
    const whole = lines.filter((fields) => fields.length === 9 && fields[2] !== "?");
    await database.pool.query(
      `INSERT INTO raw SELECT (to_timestamp(d || ' ' || t, 'DD/MM/YYYY HH24:MI:SS')::timestamp AT TIME ZONE 'Europe/Paris')
         + $6 * interval '1 millisecond', kw, volt, ampere
       FROM unnest($1::text[], $2::text[], $3::numeric[], $4::numeric[], $5::numeric[]) AS r(d, t, kw, volt, ampere)`,
      [...[0, 1, 2, 4, 5].map((i) => whole.map((fields) => fields[i])), shiftUs / 1000],
    );

    await until(
      () =>
        rowsOf(
          "SELECT coalesce(sum(count), 0)::int AS n FROM sensor_aggregates_realtime WHERE sensor_id LIKE 'household-%'",
        ),
      (found) => Number(found[0]?.n) >= (survey.count / 4) * 3,
    );
    const sensorDifferences = await rowsOf(
      `WITH long AS (
         SELECT at, 'voltage' AS type, volt AS v FROM raw UNION ALL SELECT at, 'current', ampere FROM raw
         UNION ALL SELECT at, 'power', kw * 1000 FROM raw),
       expected AS (
         SELECT date_bin('5 minutes', at, 'epoch') AS window_start, type, count(*) AS n, min(v) AS lo, max(v) AS hi,
           sum(v) AS total, avg(v) AS mean, stddev_samp(v) AS deviation
         FROM long GROUP BY 1, 2)
       SELECT e.*, s.* FROM expected AS e
       FULL JOIN (SELECT * FROM sensor_aggregates_realtime WHERE sensor_id LIKE 'household-%') AS s
         ON s.window_start = e.window_start AND s.sensor_type = e.type
       WHERE (n = s.count AND lo = min_value AND hi = max_value AND total = sum_value
         AND abs(mean - avg_value) < 1e-12 AND abs(coalesce(deviation, -1) - coalesce(stddev_value, -1)) < 1e-12) IS NOT TRUE`,
    );
    expect(sensorDifferences).toEqual([]);
    const meterDifferences = await until(
      () =>
        rowsOf(
          `WITH expected AS (
             SELECT date_bin('1 hour', at, 'epoch') AS window_start, count(*) AS n, sum(round(kw / 60, 12)) AS kwh FROM raw GROUP BY 1)
           SELECT e.*, c.* FROM expected AS e
           FULL JOIN (SELECT * FROM consumption_aggregates_realtime WHERE customer_id = 'household') AS c USING (window_start)
           WHERE (n = reading_count AND kwh = total_consumption) IS NOT TRUE`,
        ),
      (found) => found.length === 0,
    );
    expect(meterDifferences).toEqual([]);
  });
});

describe("windows", () => {
  test("become final by themselves when their stream goes on or falls silent, each row once", async () => {
    const rows = await until(
      () =>
        rowsOf(
          "SELECT count(*)::int AS open FROM sensor_aggregates_realtime WHERE state = 'open' AND window_end < now() - interval '11 minutes'",
        ),
      (found) => found[0]?.open === 0,
    );
    expect(rows).toEqual([{ open: 0 }]);
    const [ledger] = await rowsOf(
      `SELECT sum(counted)::int AS counted, (SELECT sum(count) FROM sensor_aggregates_realtime)::int AS in_rows
       FROM ledger WHERE topic = $1`,
      [topics.sensor],
    );
    expect(ledger?.counted).toBe(ledger?.in_rows);
  });
});
