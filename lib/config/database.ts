// The database, and who logs in to it.

import { readFileSync } from "node:fs";
import { messageOf } from "../log.ts";
import type { Credentials } from "../postgres/login-token.ts";
import type { DatabaseSettings } from "../postgres/pool.ts";
import { ConfigurationError, type Environment, text, wholeNumber } from "./environment.ts";

/**
 * The user is that of the function's kind: serverless.yml takes it from `POSTGRES_USER_INGEST`, `_SWEEP` or `_API` (and
 * `POSTGRES_PASSWORD_…`), or from `POSTGRES_USER` where those are not set. With `POSTGRES_AUTH` `iam`, as in all deployed
 * stages, there is no password: each new connection logs in with a token that the credentials in the environment sign.
 * @throws ConfigurationError also where such a token would go unencrypted, or to whoever answers
 */
export function readDatabaseSettings(env: Environment): DatabaseSettings {
  return {
    host: text(env, "POSTGRES_HOST"),
    port: wholeNumber(env, "POSTGRES_PORT"),
    database: text(env, "POSTGRES_DB", "smartgrid_db"),
    user: text(env, "POSTGRES_USER", "smartgrid"),
    login: readLogin(env),
    ssl: trusted(env),
    applicationName: text(env, "AWS_LAMBDA_FUNCTION_NAME", "smartgrid"),
  };
}

function readLogin(env: Environment): DatabaseSettings["login"] {
  const auth = text(env, "POSTGRES_AUTH", "password");
  if (auth === "password") return { password: text(env, "POSTGRES_PASSWORD") };
  if (auth !== "iam") throw new ConfigurationError("POSTGRES_AUTH", "password or iam", auth);
  if (!env.POSTGRES_CA_FILE)
    throw new ConfigurationError("POSTGRES_CA_FILE", "a file with POSTGRES_AUTH=iam", env.POSTGRES_CA_FILE);
  return { region: text(env, "AWS_REGION"), credentials: () => readCredentials(env) };
}

/** Those of the function's role, which Lambda sets; on a person's machine `aws configure export-credentials` does. */
function readCredentials(env: Environment): Credentials {
  return {
    accessKeyId: text(env, "AWS_ACCESS_KEY_ID"),
    secretAccessKey: text(env, "AWS_SECRET_ACCESS_KEY"),
    ...(env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {}),
  };
}

function trusted(env: Environment): false | { readonly ca: string } {
  const file = env.POSTGRES_CA_FILE;
  if (!file) return false;
  try {
    return { ca: readFileSync(file, "utf8") };
  } catch (error) {
    throw new ConfigurationError("POSTGRES_CA_FILE", `a file that can be read (${messageOf(error)})`, file);
  }
}

/** Ends the names of the functions' users in the database; null where whoever migrates makes none. */
export function readLoginSuffix(env: Environment): string | null {
  return env.LOGIN_SUFFIX || null;
}
