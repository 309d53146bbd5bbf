// A database as a URL, and as the variables that lib/config reads: each from the other.

import type { Environment } from "../../lib/config/environment.ts";

/** @param url with user and password */
export function databaseVariables(url: URL) {
  return {
    POSTGRES_HOST: url.hostname,
    POSTGRES_PORT: url.port || "5432",
    POSTGRES_DB: decodeURIComponent(url.pathname.slice(1)),
    POSTGRES_USER: decodeURIComponent(url.username),
    POSTGRES_PASSWORD: decodeURIComponent(url.password),
  };
}

/** The database that the environment names, or null where it names none. */
export function namedDatabase({
  POSTGRES_HOST,
  POSTGRES_PORT,
  POSTGRES_DB,
  POSTGRES_USER,
  POSTGRES_PASSWORD,
}: Environment): URL | null {
  if (!POSTGRES_HOST) return null;
  const url = new URL("postgresql://host");
  url.hostname = POSTGRES_HOST;
  url.port = POSTGRES_PORT || "5432";
  url.pathname = `/${POSTGRES_DB || "smartgrid_db"}`;
  url.username = encodeURIComponent(POSTGRES_USER || "smartgrid");
  url.password = encodeURIComponent(POSTGRES_PASSWORD ?? "");
  return url;
}
