// No secret in a log or an error: functions that are refused by PostgreSQL say so, without the password.
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, inject, test } from "vitest";

const password = "s3cret-Pa55word/%2F";
const eventOf = (path: string) => ({
  version: "2.0",
  rawPath: path,
  rawQueryString: "",
  headers: {},
  requestContext: { http: { method: "GET", path }, domainName: "localhost" },
});
const record = {
  topic: "t",
  partition: 0,
  offset: 0,
  timestamp: 0,
  timestampType: "CREATE_TIME",
  key: "",
  headers: [],
};
const delivery = {
  eventSource: "aws:kafka",
  eventSourceArn: "arn:aws:kafka:local:000000000000:cluster/test/1",
  bootstrapServers: "b:1",
  records: { "t-0": [{ ...record, value: Buffer.from("{}").toString("base64") }] },
};

/** All that a function in a process of its own says and answers. */
async function everythingSaid(
  name: string,
  event: object,
  environment: Record<string, string>,
): Promise<string> {
  const child = fork(join(import.meta.dirname, "../../../commands/chaos/function-process.ts"), [name], {
    env: { ...process.env, ...environment },
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (said += chunk));
  const closed = once(child, "close");
  try {
    const started = await Promise.race([once(child, "message"), closed]);
    const [{ port }] = started.length === 1 ? [{ port: 0 }] : started;
    if (port) {
      const response = await fetch(`http://127.0.0.1:${port}`, {
        method: "POST",
        body: JSON.stringify(event),
      });
      said += await response.text();
    }
  } finally {
    child.kill();
    await closed;
  }
  return said;
}

test.each([
  ["aggregate-sensor", delivery],
  ["sweep-windows", {}],
  ["health", eventOf("/ready")],
])("%s with a wrong password, a wrong port, a wrong setting", async (name, event) => {
  const url = new URL(inject("postgresUrl"));
  const environment = {
    KAFKA_BROKER: inject("kafkaBrokers"),
    POSTGRES_HOST: url.hostname,
    POSTGRES_PORT: url.port,
    POSTGRES_DB: url.pathname.slice(1),
    POSTGRES_USER: decodeURIComponent(url.username),
    POSTGRES_PASSWORD: password,
  };
  const said = await Promise.all([
    everythingSaid(name, event, environment),
    everythingSaid(name, event, { ...environment, POSTGRES_PORT: "1" }),
    everythingSaid(name, event, { ...environment, POSTGRES_PORT: "none" }),
  ]);
  expect(said[0]).toMatch(/password authentication failed|not swept/);
  expect(said[1]).toContain("ECONNREFUSED");
  expect(said[2]).toContain("POSTGRES_PORT: expected a whole number");
  for (const text of said) expect(text).not.toMatch(/s3cret|Pa55word|czNjcmV0/); // as it is, in parts, in base64
});
