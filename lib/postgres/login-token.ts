// What a user with IAM logs in to RDS or Aurora with instead of a password: a URL of the database, signed in advance by the
// credentials of a role, without its scheme; RDS takes it for 15 minutes. AWS's own @aws-sdk/rds-signer makes the same
// ("Connecting to your DB cluster using IAM authentication", Aurora User Guide), with ten times the code around it.

import { Sha256 } from "@smithy/core/checksum";
import { buildQueryString } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials, as a function has them. */
  readonly sessionToken?: string;
}

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Of the database. */
  readonly region: string;
}

const LIFETIME_SECONDS = 900;

/** @returns the token; whether it opens anything is decided by RDS when it is used */
export async function loginToken(
  { host, port, user, region }: Login,
  credentials: Credentials,
  now = new Date(),
): Promise<string> {
  const signer = new SignatureV4({ service: "rds-db", region, credentials, sha256: Sha256 });
  const address = `${host}:${port}`;
  const { query = {} } = await signer.presign(
    {
      method: "GET",
      protocol: "https:",
      hostname: host,
      port,
      path: "/",
      headers: { host: address },
      query: { Action: "connect", DBUser: user },
    },
    { expiresIn: LIFETIME_SECONDS, signingDate: now },
  );
  return `${address}/?${buildQueryString(query)}`;
}
