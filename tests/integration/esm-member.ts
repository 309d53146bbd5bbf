// A stand-in in a process of its own, to be killed: node esm-member.ts BROKERS TOPIC GROUP; writes a line per record.

import { startMapping } from "../../localstack/event-source-mapping/mapping.ts";
import { recordsOf, settingsFor } from "./esm-trigger.ts";

const [brokers = "", topic = "", groupId = ""] = process.argv.slice(2);
startMapping(
  settingsFor(topic, { groupId, batchSize: 50 }),
  [brokers],
  async (_, payload) => {
    for (const { partition, offset } of recordsOf(JSON.parse(payload)))
      process.stdout.write(`${partition}:${offset}\n`);
    return null;
  },
  (message) => process.stderr.write(`${message}\n`),
);
