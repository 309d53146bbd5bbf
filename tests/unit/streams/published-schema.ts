import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The file of schemas/, as text. */
export function publishedSchema(stream: string): string {
  return readFileSync(join(import.meta.dirname, "../../../schemas", `${stream}.schema.json`), "utf8");
}
