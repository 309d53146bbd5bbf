// Doubtful values on their way to people: the table, the command, the metric, and the end of their time.
import { afterAll, beforeAll, expect, test } from "vitest";
import { prometheusText } from "../../../lib/http/metrics.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { forgetDoubtful } from "../../../lib/postgres/retention.ts";
import { readGauges } from "../../../lib/postgres/trouble.ts";
import { weatherStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { runCommand } from "../commands.ts";
import { createDatabase, type TestDatabase } from "../database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

test("humidity as a fraction, wind in km/h and °F are counted, listed, in figures, and forgotten in the end", async () => {
  const doubtful = (...args: string[]) =>
    runCommand("quarantine", ["doubtful", ...args], database.environment);
  expect(await doubtful()).toMatchObject({ code: 0, stdout: "no doubtful values\n" });
  expect((await doubtful("--json")).stdout).toBe("[]\n");

  const good = {
    ...{ timestamp: "2026-01-15T10:00Z", temperature: 10, humidity: 80, pressure: 1013, wind_speed: 5 },
    ...{ weather_condition: "Cloudy", location: { lat: 41.33, lon: 19.82 } },
  };
  const events = [
    good,
    { ...good, humidity: 0.84 },
    { ...good, temperature: 50, humidity: 0.9, wind_speed: 90 },
  ];
  const records = events.map((event, offset) => ({
    ...{ offset, recordTimeMs: 0 },
    value: Buffer.from(JSON.stringify(event)),
  }));
  const address = { source: "s", topic: "weather", partition: 0 };
  const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
  const outcome = await commitRecords(postgresJudge(database.pool), weatherStream, address, records, rules);
  expect(outcome).toMatchObject({ counted: 3, doubtful: 2, roundTrips: 1 });

  const listed = await doubtful();
  expect(listed.stdout.split("\n")).toEqual([
    expect.stringMatching(
      /^weather humidity fits_fraction: 2 values from 0\.84 to 0\.9, events of 2026-01-15T10:00/,
    ),
    expect.stringContaining("a fraction of 1 would fit"),
    expect.stringMatching(/^weather temperature fits_fahrenheit: 1 value from 50 to 50/),
    expect.stringContaining("°F would fit"),
    expect.stringMatching(/^weather wind_speed fits_kilometres_per_hour: 1 value from 90 to 90/),
    expect.stringContaining("km/h would fit"),
    "weather-0@2  2026-01-15T10:00:00.000Z  humidity 0.9  fits_fraction",
    "weather-0@2  2026-01-15T10:00:00.000Z  temperature 50  fits_fahrenheit",
    "weather-0@2  2026-01-15T10:00:00.000Z  wind_speed 90  fits_kilometres_per_hour",
    "weather-0@1  2026-01-15T10:00:00.000Z  humidity 0.84  fits_fraction",
    "",
  ]);
  const filtered = await doubtful("--field", "humidity", "--limit", "1", "--json");
  expect(JSON.parse(filtered.stdout)).toEqual([
    {
      ...{ position: "weather-0@2", stream: "weather", event_time: "2026-01-15T10:00:00.000Z" },
      ...{ field: "humidity", value: 0.9, reason: "fits_fraction" },
      ...{ reason_in_words: expect.stringContaining("fraction"), recorded_at: expect.any(String) },
    },
  ]);
  expect((await doubtful("--csv", "--reason", "fits_fahrenheit")).stdout).toMatch(
    /^position,stream,.*\r\nweather-0@2,weather,2026-01-15T10:00:00\.000Z,temperature,50,fits_fahrenheit,.*\r\n$/,
  );

  const gauges = await readGauges(database.pool, { stuckAfterSeconds: 300, idleSeconds: 300 });
  expect(prometheusText(gauges)).toContain('smartgrid_doubtful_events{topic="weather"} 2\n');

  await database.pool.query(
    "UPDATE doubtful SET recorded_at = now() - interval '91 days' WHERE \"offset\" = 1",
  );
  await forgetDoubtful(database.pool, 90);
  expect((await database.pool.query('SELECT DISTINCT "offset" FROM doubtful')).rows).toEqual([
    { offset: "2" },
  ]);
  expect((await database.pool.query("SELECT doubtful FROM ledger")).rows).toEqual([{ doubtful: "2" }]);
});
