// The check of presigned tokens against AWS's own signers.

import { Signer } from "@aws-sdk/rds-signer";
import signer from "aws-msk-iam-sasl-signer-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AccessKeys, readMskToken, readRdsToken } from "../../deploy/presigned-token.ts";

const own = { accessKeyId: "ASIAOWN", secretAccessKey: "a/secret+of=own", sessionToken: "to+ken/of==own" };
const keys: AccessKeys = new Map([
  [own.accessKeyId, { ...own, principal: "ingest-sensor" }],
  ["AKIALONG", { secretAccessKey: "without a session", principal: "a person" }],
]);

const mskToken = async (credentials: object = own, region = "eu-central-1") => {
  const awsCredentialsProvider = async () => ({ ...own, ...credentials });
  return (await signer.generateAuthTokenFromCredentialsProvider({ region, awsCredentialsProvider })).token;
};
const rdsToken = (username = "smartgrid_ingest", port = 5432, credentials = own) =>
  new Signer({
    hostname: "db.example.com",
    port,
    region: "eu-central-1",
    username,
    credentials,
  }).getAuthToken();

/** Changes the URL in a token of MSK's. */
const changed = (token: string, change: (url: string) => string) =>
  Buffer.from(change(Buffer.from(token, "base64url").toString())).toString("base64url");

const MINUTE_MS = 60_000;

describe("MSK's token", () => {
  test("tells whose it is, for how long and for which region", async () => {
    const read = readMskToken(await mskToken(), keys, Date.now());
    expect(read).toMatchObject({
      principal: "ingest-sensor",
      service: "kafka-cluster",
      region: "eu-central-1",
      host: "kafka.eu-central-1.amazonaws.com",
    });
    expect(read.parameters.get("Action")).toBe("kafka-cluster:Connect");
    expect(read.expiresAtMs - Date.now()).toBeLessThanOrEqual(15 * MINUTE_MS);
    const lasting = {
      accessKeyId: "AKIALONG",
      secretAccessKey: "without a session",
      sessionToken: undefined,
    };
    expect(readMskToken(await mskToken(lasting), keys, Date.now()).principal).toBe("a person");
  });

  test("is taken from its date until it expires", async () => {
    const token = await mskToken();
    const at = (minutes: number) => () => readMskToken(token, keys, Date.now() + minutes * MINUTE_MS);
    expect(at(14)).not.toThrow();
    expect(at(15)).toThrow(/^the token expired at /);
    expect(at(-4)).not.toThrow();
    expect(at(-6)).toThrow(/^the token was signed in the future/);
  });

  test.each([
    [{ secretAccessKey: "another" }, "the signature is not that of ASIAOWN's secret access key"],
    [{ accessKeyId: "ASIAOTHER" }, "the access key ASIAOTHER is nobody's"],
    [{ sessionToken: "another" }, "the session token is not that of ASIAOWN"],
    [{ sessionToken: undefined }, "the session token is not that of ASIAOWN"],
  ])("of other credentials is refused: %j", async (credentials, reason) => {
    const token = await mskToken(credentials);
    expect(() => readMskToken(token, keys, Date.now())).toThrow(reason);
  });

  test.each<[string, (url: string) => string, RegExp]>([
    ["the lifetime", (url) => url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"), /signature is not/],
    ["the action", (url) => url.replace("Connect", "AlterCluster"), /signature is not/],
    ["the host", (url) => url.replace("kafka.eu-central-1", "kafka.eu-west-1"), /signature is not/],
    ["the region", (url) => url.replace("%2Feu-central-1%2F", "%2Feu-west-1%2F"), /signature is not/],
    ["a parameter more", (url) => `${url}&More=1`, /signature is not/],
    ["a date more", (url) => `${url}&X-Amz-Date=20260101T000000Z`, /several X-Amz-Date/],
    ["no signature", (url) => url.replace(/&X-Amz-Signature=[0-9a-f]+/, ""), /no X-Amz-Signature/],
    [
      "a signature too short",
      (url) => url.replace(/(X-Amz-Signature=)[0-9a-f]+/, "$1ab"),
      /signature is not/,
    ],
    ["another algorithm", (url) => url.replace("HMAC-SHA256", "HMAC-SHA1"), /signed by AWS4-HMAC-SHA1/],
    ["the scope's date", (url) => url.replace(/ASIAOWN%2F\d+/, "ASIAOWN%2F20200101"), /scope/],
    ["no URL", () => "nothing", /no presigned URL/],
  ])("that was changed is refused: %s", async (_, change, reason) => {
    const token = changed(await mskToken(), change);
    expect(() => readMskToken(token, keys, Date.now())).toThrow(reason);
  });
});

describe("RDS's token", () => {
  test("tells whose it is and for which user of which server", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, unit: "grapheme" }),
        fc.integer({ min: 1024, max: 65_535 }),
        async (user, port) => {
          const read = readRdsToken(await rdsToken(user, port), keys, Date.now());
          expect(read).toMatchObject({
            principal: "ingest-sensor",
            service: "rds-db",
            host: `db.example.com:${port}`,
          });
          expect(Object.fromEntries(read.parameters)).toEqual({ Action: "connect", DBUser: user });
        },
      ),
      { numRuns: 50 },
    );
  });

  test("is refused after 15 minutes, for another user, with another's key", async () => {
    const token = await rdsToken();
    const read =
      (text: string, nowMs = Date.now()) =>
      () =>
        readRdsToken(text, keys, nowMs);
    expect(read(token, Date.now() + 15 * MINUTE_MS)).toThrow(/^the token expired at /);
    expect(read(token.replace("smartgrid_ingest", "smartgrid_owner"))).toThrow(/signature is not/);
    expect(read(token.replace(":5432", ":5433"))).toThrow(/signature is not/);
    expect(read(`${token}&User-Agent=me`)).toThrow(/unsigned User-Agent/);
    expect(read(await rdsToken("u", 5432, { ...own, secretAccessKey: "x" }))).toThrow(/signature is not/);
    expect(read("a password")).toThrow(/no token of the form/);
  });

  test("and MSK's are not taken for each other", async () => {
    const [rds, msk] = await Promise.all([rdsToken(), mskToken()]);
    const asMsk = Buffer.from(`https://${rds}`).toString("base64url");
    expect(() => readMskToken(asMsk, keys, Date.now())).toThrow("for rds-db, not kafka-cluster");
    const asRds = Buffer.from(msk, "base64url").toString().replace("https://", "").replace("/?", ":443/?");
    expect(() => readRdsToken(asRds, keys, Date.now())).toThrow();
  });
});
