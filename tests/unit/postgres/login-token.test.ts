// The token against AWS's own signer, and how it is asked for.

import { Signer } from "@aws-sdk/rds-signer";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { readDatabaseSettings } from "../../../lib/config/database.ts";
import { loginToken } from "../../../lib/postgres/login-token.ts";
import { connectionOf } from "../../../lib/postgres/pool.ts";

afterEach(() => {
  vi.useRealTimers();
});

const word = fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom(..."abcXYZ019_+/=") });
const host = fc.stringMatching(/^[a-z][a-z0-9]{0,9}(\.[a-z][a-z0-9-]{0,9}[a-z0-9]){0,4}$/);

test("is the one that AWS's signer makes, whatever the login, the credentials and the time", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        host,
        port: fc.integer({ min: 1, max: 65_535 }),
        user: fc.stringMatching(/^[a-z_][a-z0-9_]{0,30}$/),
        region: fc.constantFrom("eu-central-1", "us-gov-west-1", "cn-north-1"),
      }),
      fc.record(
        { accessKeyId: word, secretAccessKey: word, sessionToken: word },
        { requiredKeys: ["accessKeyId", "secretAccessKey"] },
      ),
      fc.date({ min: new Date("2020-01-01"), max: new Date("2099-12-31"), noInvalidDate: true }),
      async (login, credentials, now) => {
        vi.setSystemTime(now);
        const signer = new Signer({ ...login, hostname: login.host, username: login.user, credentials });
        expect(await loginToken(login, credentials, now)).toBe(await signer.getAuthToken());
      },
    ),
    { numRuns: 200 },
  );
});

test("is a new one for each connection, with the credentials of that moment", async () => {
  const env: Record<string, string> = {
    ...{ POSTGRES_HOST: "db.example.com", POSTGRES_USER: "smartgrid_read_prod", POSTGRES_AUTH: "iam" },
    ...{ POSTGRES_CA_FILE: "/dev/null", AWS_REGION: "eu-central-1", POSTGRES_PASSWORD: "is not used" },
    ...{ AWS_ACCESS_KEY_ID: "ASIAOLD", AWS_SECRET_ACCESS_KEY: "s", AWS_SESSION_TOKEN: "t" },
  };
  const { password } = connectionOf(readDatabaseSettings(env));
  if (typeof password !== "function") throw new Error("a password");
  expect(await password()).toMatch(
    /^db\.example\.com:5432\/\?Action=connect&DBUser=smartgrid_read_prod&.*X-Amz-Credential=ASIAOLD%2F.*X-Amz-Expires=900/,
  );
  env.AWS_ACCESS_KEY_ID = "ASIANEW";
  expect(await password()).toMatch(/X-Amz-Credential=ASIANEW%2F/);
  env.AWS_ACCESS_KEY_ID = "";
  await expect(password()).rejects.toThrow("AWS_ACCESS_KEY_ID: expected a value");
});
