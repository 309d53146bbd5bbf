// `npm run bench:scale [-- keys batch ranges partitions connections rows queries]`: the curves behind docs/scale.md. How the cost
// of a commit grows with keys, batch, ledger ranges and connections, that of a sweep with partitions and rows, and what
// people ask of ten million rows.
// Compare within one run on one machine.

import { byBatch, byConnections, byKeys, byRanges } from "./scale/commit-curves.ts";
import { BATCH } from "./scale/measure.ts";
import { byQueries } from "./scale/query-curves.ts";
import { startDatabase } from "./scale/server.ts";
import { byPartitions, byRows } from "./scale/sweep-curves.ts";

const curves = {
  keys: byKeys,
  batch: byBatch,
  ranges: byRanges,
  partitions: byPartitions,
  connections: byConnections,
  rows: byRows,
  queries: byQueries,
};
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(curves, name));
if (unknown.length > 0)
  throw new Error(`no such curve: ${unknown.join(", ")}; there are ${Object.keys(curves).join(", ")}`);
const database = await startDatabase();
try {
  console.log(`Node ${process.version}, PostgreSQL on the same machine, ${BATCH} events a batch`);
  for (const [name, curve] of Object.entries(curves))
    if (wanted.length === 0 || wanted.includes(name)) await curve(database);
} finally {
  await database.stop();
}
