import { describe, expect, test } from "vitest";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import { readGroups, readKafkaSettings, readTopics, sourceOf } from "../../lib/config/kafka.ts";
import {
  readLatenessRules,
  readTroubleRules,
  readWatermarkSettings,
  readWeatherSettings,
} from "../../lib/config/rules.ts";
import { readTimeZones } from "../../lib/config/time-zones.ts";
import { byStream } from "../../lib/streams/stream.ts";

const arn = "arn:aws:kafka:eu-south-1:123456789012:cluster/grid/0c1f-1";

describe("the environment", () => {
  test("has defaults for everything but hosts and passwords", () => {
    expect(readTopics({})).toMatchObject({
      sensor: "smartgrid-sensor-data",
      consumption: "smartgrid-meter-readings",
      weather: "smartgrid-weather-data",
    });
    expect(readLatenessRules({})).toEqual({
      futureSkewUs: 600e6,
      amendmentHorizonUs: 7 * 86_400e6,
      zones: byStream(() => "UTC"),
    });
    const zones = { EVENT_TIME_ZONE_CONSUMPTION: "Europe/Tirane", EVENT_TIME_ZONE_WEATHER: "+01:00" };
    expect(readTimeZones(zones)).toEqual({
      ...byStream(() => "UTC"),
      consumption: "Europe/Tirane",
      weather: "+01:00",
    });
    expect(readWatermarkSettings({ WATERMARK_DELAY_SECONDS: "" })).toEqual({ delayUs: 600e6, idleUs: 300e6 });
    expect(readTroubleRules({})).toEqual({ stuckAfterSeconds: 300, idleSeconds: 300 });
    expect(readGroups({ KAFKA_GROUP_WEATHER: "uuid" }, readTopics({}))).toEqual({
      sensor: "smartgrid-local-aggregate-sensor-smartgrid-sensor-data",
      consumption: "smartgrid-local-aggregate-consumption-smartgrid-meter-readings",
      weather: "uuid",
    });
    expect(readWeatherSettings({})).toEqual({ seed: 1, updateIntervalSeconds: 60 });
    expect(readDatabaseSettings({ POSTGRES_HOST: "h", POSTGRES_PASSWORD: "p" })).toMatchObject({
      port: 5432,
      database: "smartgrid_db",
      user: "smartgrid",
    });
  });

  test.each<[string, () => unknown]>([
    ["POSTGRES_HOST: expected a value, got nothing", () => readDatabaseSettings({ POSTGRES_PASSWORD: "p" })],
    ["POSTGRES_PASSWORD: expected a value, got nothing", () => readDatabaseSettings({ POSTGRES_HOST: "h" })],
    [
      'EVENT_TIME_ZONE_SENSOR: expected a zone such as Europe/Tirane, or an offset such as +01:00, got "CEST"',
      () => readLatenessRules({ EVENT_TIME_ZONE_SENSOR: "CEST" }),
    ],
    [
      'POSTGRES_AUTH: expected password or iam, got "IAM"',
      () => readDatabaseSettings({ POSTGRES_HOST: "h", POSTGRES_AUTH: "IAM", POSTGRES_PASSWORD: "p" }),
    ],
    [
      "POSTGRES_CA_FILE: expected a file with POSTGRES_AUTH=iam, got nothing",
      () => readDatabaseSettings({ POSTGRES_HOST: "h", POSTGRES_AUTH: "iam", AWS_REGION: "r" }),
    ],
    [
      "AWS_REGION: expected a value, got nothing",
      () => readDatabaseSettings({ POSTGRES_HOST: "h", POSTGRES_AUTH: "iam", POSTGRES_CA_FILE: "/dev/null" }),
    ],
    [
      'POSTGRES_PORT: expected a whole number from 1 to 65535, got "70000"',
      () => readDatabaseSettings({ POSTGRES_HOST: "h", POSTGRES_PASSWORD: "p", POSTGRES_PORT: "70000" }),
    ],
    [
      'WATERMARK_DELAY_SECONDS: expected a whole number from 0 to 604800, got "10m"',
      () => readWatermarkSettings({ WATERMARK_DELAY_SECONDS: "10m" }),
    ],
    [
      'WATERMARK_IDLE_SECONDS: expected a whole number from 1 to 604800, got "0"',
      () => readWatermarkSettings({ WATERMARK_IDLE_SECONDS: "0" }),
    ],
    [
      'FUTURE_SKEW_SECONDS: expected a whole number from 0 to 86400, got "-1"',
      () => readLatenessRules({ FUTURE_SKEW_SECONDS: "-1" }),
    ],
    [
      'AMENDMENT_HORIZON_DAYS: expected a whole number from 0 to 3650, got "1.5"',
      () => readLatenessRules({ AMENDMENT_HORIZON_DAYS: "1.5" }),
    ],
    [
      'STUCK_AFTER_SECONDS: expected a whole number from 1 to 604800, got "0"',
      () => readTroubleRules({ STUCK_AFTER_SECONDS: "0" }),
    ],
    [
      'WEATHER_UPDATE_INTERVAL: expected a whole number from 1 to 86400, got "0"',
      () => readWeatherSettings({ WEATHER_UPDATE_INTERVAL: "0" }),
    ],
    [
      "KAFKA_BROKER: expected host:port[,host:port…] (or MSK_CLUSTER_ARN), got nothing",
      () => readKafkaSettings({}),
    ],
    [
      'KAFKA_BROKER: expected host:port[,host:port…], got "localhost"',
      () => readKafkaSettings({ KAFKA_BROKER: "localhost" }),
    ],
    [
      'KAFKA_AUTH: expected none or iam, got "scram"',
      () => readKafkaSettings({ KAFKA_BROKER: "a:1", KAFKA_AUTH: "scram" }),
    ],
    [
      "MSK_CLUSTER_ARN: expected arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID",
      () => readKafkaSettings({ MSK_CLUSTER_ARN: "grid" }),
    ],
    [
      "KAFKA_TOPIC_WEATHER: expected 2 to 249 letters, digits, '.', '_' or '-', not '.…' or '__…', got \"a b\"",
      () => readTopics({ KAFKA_TOPIC_WEATHER: "a b" }),
    ],
  ])("%s", (message, read) => {
    expect(read).toThrow(message);
  });

  test("takes IAM for MSK, and plain connections where the brokers are named", () => {
    expect(readKafkaSettings({ MSK_CLUSTER_ARN: arn })).toMatchObject({
      brokers: [],
      clusterArn: arn,
      iam: true,
    });
    expect(readKafkaSettings({ KAFKA_BROKER: "a:1, b:2" })).toMatchObject({
      brokers: ["a:1", "b:2"],
      iam: false,
    });
  });

  test("knows a cluster by its ARN, or by its brokers in whatever order", () => {
    expect(sourceOf(arn, ["a:1"])).toBe(arn);
    expect(sourceOf(null, ["b:2", "a:1"])).toBe(sourceOf(null, ["a:1", "b:2"]));
  });
});
