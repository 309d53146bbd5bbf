// What AWS checks of a token that a client signs with its access key, the form in which MSK and RDS take logins from
// IAM: a presigned URL. Signature Version 4 by its description alone ("Create a signed AWS API request", IAM User Guide,
// query string), without the SDK, which signs in the tests and so judges this file.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

export interface AccessKey {
  readonly secretAccessKey: string;
  /** Of temporary credentials, as a function's role has them. */
  readonly sessionToken?: string;
  /** Whose key it is, e.g. a function's name. */
  readonly principal: string;
}

/** By access key id. */
export type AccessKeys = ReadonlyMap<string, AccessKey>;

export interface PresignedToken {
  readonly principal: string;
  readonly service: string;
  readonly region: string;
  /** With the port where the URL names one. */
  readonly host: string;
  /** What is asked for: Action, DBUser, … */
  readonly parameters: ReadonlyMap<string, string>;
  readonly expiresAtMs: number;
}

/** AWS's clock may be behind a client's by so much ("Elements of an AWS API request signature"). */
const MAX_SKEW_MS = 5 * 60_000;
/** Neither MSK nor RDS takes a token that is valid for longer. */
const MAX_LIFETIME_S = 900;
/** MSK's signers add it behind the signature; everything else is signed. */
const UNSIGNED = ["X-Amz-Signature", "User-Agent"];

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** RFC 3986's: of the characters that JavaScript leaves, AWS encodes !'()* too. */
const escaped = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/** `20260131T235959Z` */
function timeOf(date: string): number {
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
}

function expectedSignature(url: URL, scope: readonly string[], secretAccessKey: string): Buffer {
  const query = [...url.searchParams]
    .filter(([name]) => !UNSIGNED.includes(name))
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join("&");
  const canonical = ["GET", url.pathname, query, `host:${url.host}`, "", "host", hash("")].join("\n");
  const date = url.searchParams.get("X-Amz-Date") ?? "";
  const toSign = ["AWS4-HMAC-SHA256", date, scope.join("/"), hash(canonical)].join("\n");
  const key = scope.reduce((derived: string | Buffer, part) => hmac(derived, part), `AWS4${secretAccessKey}`);
  return hmac(key, toSign);
}

/**
 * Who signed the URL, and for what.
 * @throws Error that says why it is not to be trusted: another's key, changed, from the future, expired
 */
function verify(url: URL, keys: AccessKeys, nowMs: number): PresignedToken {
  const parameter = (name: string) => {
    const [value, ...more] = url.searchParams.getAll(name);
    if (value === undefined || more.length > 0)
      throw new Error(`the token has ${more.length ? "several" : "no"} ${name}`);
    return value;
  };
  if (parameter("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256")
    throw new Error(`the token is signed by ${parameter("X-Amz-Algorithm")}, not AWS4-HMAC-SHA256`);
  if (parameter("X-Amz-SignedHeaders") !== "host")
    throw new Error(`the token signs the headers ${parameter("X-Amz-SignedHeaders")}, not host`);

  const [accessKeyId = "", ...scope] = parameter("X-Amz-Credential").split("/");
  const [day = "", region = "", service = "", end = ""] = scope;
  const key = keys.get(accessKeyId);
  if (key === undefined) throw new Error(`the access key ${accessKeyId} is nobody's`);
  if (scope.length !== 4 || end !== "aws4_request" || !parameter("X-Amz-Date").startsWith(day))
    throw new Error(`the token's scope ${scope.join("/")} is not of its date, a region and a service`);
  const given = Buffer.from(parameter("X-Amz-Signature"), "hex");
  const expected = expectedSignature(url, scope, key.secretAccessKey);
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error(`the signature is not that of ${accessKeyId}'s secret access key`);
  if ((url.searchParams.get("X-Amz-Security-Token") ?? undefined) !== key.sessionToken)
    throw new Error(`the session token is not that of ${accessKeyId}`);

  const signedAtMs = timeOf(parameter("X-Amz-Date"));
  const lifetimeS = Number(parameter("X-Amz-Expires"));
  if (!(lifetimeS > 0 && lifetimeS <= MAX_LIFETIME_S))
    throw new Error(`the token is to be valid for ${lifetimeS} s, more than ${MAX_LIFETIME_S} s`);
  const expiresAtMs = signedAtMs + lifetimeS * 1_000;
  if (!(signedAtMs <= nowMs + MAX_SKEW_MS))
    throw new Error(`the token was signed in the future, at ${parameter("X-Amz-Date")}`);
  if (nowMs >= expiresAtMs) throw new Error(`the token expired at ${new Date(expiresAtMs).toISOString()}`);
  const parameters = new Map([...url.searchParams].filter(([name]) => !/^X-Amz-/.test(name)));
  return { principal: key.principal, service, region, host: url.host, parameters, expiresAtMs };
}

/**
 * A password for RDS or Aurora: `HOST:PORT/?Action=connect&DBUser=…`, without a scheme.
 * @throws Error that says what is wrong with it
 */
export function readRdsToken(token: string, keys: AccessKeys, nowMs: number): PresignedToken {
  if (!/^[^/?]+:\d+\/\?/.test(token)) throw new Error("the password is no token of the form HOST:PORT/?…");
  const read = verify(new URL(`https://${token}`), keys, nowMs);
  if (read.parameters.has("User-Agent")) throw new Error("the token has an unsigned User-Agent");
  if (read.service !== "rds-db") throw new Error(`the token is for ${read.service}, not rds-db`);
  if (read.parameters.get("Action") !== "connect")
    throw new Error(`the token is for ${read.parameters.get("Action")}, not connect`);
  return read;
}

/**
 * A token for MSK: base64url of `https://kafka.REGION.amazonaws.com/?Action=kafka-cluster%3AConnect&…`.
 * @throws Error that says what is wrong with it
 */
export function readMskToken(token: string, keys: AccessKeys, nowMs: number): PresignedToken {
  const text = Buffer.from(token, "base64url").toString();
  if (!/^https:\/\/[^/?]+\/\?/.test(text)) throw new Error("the token is no presigned URL in base64url");
  const read = verify(new URL(text), keys, nowMs);
  if (read.service !== "kafka-cluster")
    throw new Error(`the token is for ${read.service}, not kafka-cluster`);
  if (read.host !== `kafka.${read.region}.amazonaws.com`)
    throw new Error(`the token's host ${read.host} is not that of its region ${read.region}`);
  if (read.parameters.get("Action") !== "kafka-cluster:Connect")
    throw new Error(`the token is for ${read.parameters.get("Action")}, not kafka-cluster:Connect`);
  return read;
}
