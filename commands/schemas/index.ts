// `npm run schemas`: writes schemas/ from the streams' declarations.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { streamRules, streamWords } from "../../lib/streams/declared.ts";
import { schemaOf } from "../../lib/streams/schema.ts";
import { streamNames } from "../../lib/streams/stream.ts";

for (const name of streamNames) {
  const path = `schemas/${name}.schema.json`;
  const schema = schemaOf(streamRules[name], streamWords[name]);
  await writeFile(join(import.meta.dirname, "../..", path), `${JSON.stringify(schema, null, 2)}\n`);
  console.log(path);
}
