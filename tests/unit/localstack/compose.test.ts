// The compose file is what Compose's own JSON Schema asks for. No engine runs here: more than this is not shown.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DCLinter } from "dclint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly ports?: readonly string[];
  readonly network_mode?: string;
  readonly profiles?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
}

/** Its own types cannot be resolved from here. */
interface LintResult {
  readonly messages: readonly { readonly type: string; readonly message: string }[];
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const folder = join(import.meta.dirname, "../../../localstack");
const text = await readFile(join(folder, "docker-compose.yml"), "utf8");
const { services, volumes }: ComposeFile = parse(text);

/** What the schema and the linter's rules of correctness (its errors) say; its warnings are taste. */
function errorsOf(file: string): string[] {
  const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] });
  const results: readonly LintResult[] = linter.lintFiles([file], false);
  return results.flatMap(({ messages }) =>
    messages.filter(({ type }) => type === "error").map(({ message }) => message),
  );
}

async function errorsWith(change: (text: string) => string): Promise<string[]> {
  const scratch = await mkdtemp(join(tmpdir(), "smartgrid-compose-"));
  try {
    const file = join(scratch, "docker-compose.yml");
    await writeFile(file, change(text));
    return errorsOf(file);
  } finally {
    await rm(scratch, { recursive: true });
  }
}

describe("localstack/docker-compose.yml", () => {
  test("is valid by Compose's JSON Schema", () => {
    expect(errorsOf(join(folder, "docker-compose.yml"))).toEqual([]);
  });

  test.each<[string, (text: string) => string]>([
    [
      "a key that Compose does not know",
      (t) => t.replace("    restart: unless-stopped", "    restarts: always"),
    ],
    ["a list where a map belongs", (t) => t.replace("volumes:\n  kafka:", "volumes:\n  - kafka\n  - x:")],
    ["a number where text belongs", (t) => t.replace("image: apache/kafka:4.1.1", "image: 4")],
  ])("the validator refuses %s", async (_, change) => {
    expect(change(text)).not.toBe(text);
    expect(await errorsWith(change)).not.toEqual([]);
  });

  test("has Kafka, PostgreSQL 15 or later, and the functions; LocalStack on request", () => {
    expect(Object.keys(services)).toEqual(["kafka", "postgres", "functions", "localstack"]);
    expect(Number(services.postgres?.image?.split(":")[1])).toBeGreaterThanOrEqual(15);
    expect(services.functions?.profiles).toEqual(["functions"]);
    expect(services.localstack?.profiles).toEqual(["localstack"]);
  });

  test("is reachable from this machine only", () => {
    for (const [name, service] of Object.entries(services)) {
      if (service.network_mode === "host") continue; // listens on 127.0.0.1 by itself
      expect(service.ports, name).not.toHaveLength(0);
      for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    }
  });

  test("names only what is there: volumes, dependencies with a health check, files", async () => {
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? [])
        expect(Object.keys(volumes)).toContain(volume.split(":")[0]);
      for (const other of Object.keys(service.depends_on ?? {}))
        expect(services[other]?.healthcheck, `${name} waits for ${other}`).toBeDefined();
      if (service.build) {
        const context = join(folder, service.build.context);
        await expect(readFile(join(context, service.build.dockerfile), "utf8")).resolves.toMatch(
          /^FROM node:24/m,
        );
      }
    }
  });
});
