// The published schemas are what the declarations say.
import { expect, test } from "vitest";
import { streamRules, streamWords } from "../../../lib/streams/declared.ts";
import { schemaOf } from "../../../lib/streams/schema.ts";
import { streamNames } from "../../../lib/streams/stream.ts";
import { publishedSchema } from "./published-schema.ts";

test.each(streamNames)(
  "schemas/%s.schema.json is what the declaration says (npm run schemas writes it)",
  (name) => {
    const written = `${JSON.stringify(schemaOf(streamRules[name], streamWords[name]), null, 2)}\n`;
    expect(publishedSchema(name)).toBe(written);
  },
);
