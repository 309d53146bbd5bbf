// Errors of the system and of the database in words: what happened, where, and what to do.

import { messageOf } from "../../lib/log.ts";

/** A property of the system's or the driver's errors, as text; empty where there is none. */
function part(error: Error, name: "code" | "path" | "address" | "hostname" | "port"): string {
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

const MIGRATE = "this database has not the tables of this version: run `npm run migrate`";

/** The words of both Kafka clients for a broker that they do not reach. */
const UNREACHED_BROKER =
  /(any broker|confirmed as stored).*(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/s;

/** What to say in place of the message, or after it; null where the message says enough. */
function sentenceOf(error: Error): string | null {
  const [code, path] = [part(error, "code"), part(error, "path")];
  const where = `${part(error, "address") || "the server"}${part(error, "port") && `:${part(error, "port")}`}`;
  switch (code) {
    case "ENOENT":
      return path === "" ? null : `there is no file ${path}: check its name and the folder that you are in`;
    case "EACCES":
    case "EPERM":
      return path === "" ? null : `${path} may not be read or written by this user (${code})`;
    case "EISDIR":
      return `${path || "it"} is a directory: name a file in it`;
    case "ENOTDIR":
      return `${path}: a part of this path is a file, not a directory`;
    case "ENOSPC":
      return `the disk is full${path && `, at ${path}`}`;
    case "ECONNREFUSED":
      return `nothing listens at ${where} (ECONNREFUSED): is it running, and are host and port right?`;
    case "ECONNRESET":
    case "EPIPE":
      return `${where} closed the connection (${code}): look into its log, and try again`;
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `${where} cannot be reached (${code}): check host, port, network and firewall`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `this machine does not know the name ${part(error, "hostname") || "of the server"} (${code}): check the host`;
    case "42P01": // undefined_table, undefined_column, undefined_function
    case "42703":
    case "42883":
      return `${error.message}: ${MIGRATE}`;
    case "42501":
      return `${error.message}: log in as the owner, or as a user who may do this (POSTGRES_USER)`;
    default:
      return null;
  }
}

/** One message for a person; never empty, and never a bare code. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const sentence = sentenceOf(error);
  // One host may have several addresses, of which each gave an error.
  if (error instanceof AggregateError && error.message === "" && error.errors.length > 0)
    return [...new Set(error.errors.map(explain))].join("; ");
  const message = sentence ?? messageOf(error);
  return UNREACHED_BROKER.test(message)
    ? `Kafka: ${message}: is it running, and is KAFKA_BROKER right?`
    : message;
}
