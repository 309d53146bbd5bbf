import { judge } from "./oracle.ts";
import { runSchedule } from "./run.ts";

const s = JSON.parse(process.argv[2] ?? "");
const o = await runSchedule(s);
const m = (us: number | null | undefined) =>
  us == null ? us : ((us - Date.UTC(2026, 0, 15, 10) * 1000) / 60e6).toFixed(2);
for (const e of o.trace) {
  if (e.kind === "append")
    console.log(
      "append",
      e.record.partition,
      e.record.offset,
      "at",
      m(e.record.appendedAtUs),
      JSON.stringify({
        ...e.record.meaning,
        timeUs: e.record.meaning.kind === "event" ? m(e.record.meaning.timeUs) : 0,
        windowEndUs: e.record.meaning.kind === "event" ? m(e.record.meaning.windowEndUs) : 0,
      }),
    );
  else if (e.kind === "ask") console.log("ask", m(e.nowUs), JSON.stringify(e.offsets));
  else if (e.kind === "commit")
    console.log(
      "commit",
      e.partition,
      e.incarnation,
      JSON.stringify(e.offsets),
      m(e.nowUs),
      "wm",
      m(e.watermarkUs),
    );
  else if (e.kind === "success" || e.kind === "finalise") console.log(e.kind);
  else console.log("move", m(e.nowUs), m(e.watermarkUs), JSON.stringify(e.offsets));
}
console.log(judge(o));
