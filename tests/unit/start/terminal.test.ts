// What `npm start` writes to a terminal.

import { expect, test } from "vitest";
import { alertsOf, type Status, statusText } from "../../../commands/start/status-text.ts";
import { openTerminal } from "../../../commands/start/terminal.ts";

const atMs = Date.UTC(2026, 10, 30, 19, 28, 5);
const busy: Status = {
  alerts: [],
  eventsPerSecond: 12_345.6,
  lag: 315_840,
  open: 60_500,
  final: 1_260_287,
  watermarks: [
    { stream: "consumption", atMs: atMs - 60_000 },
    { stream: "sensor", atMs },
    { stream: "weather", atMs },
  ],
};

/** What a terminal shows in the end, line by line: `\r` goes back, and the rest of the line is emptied. */
function screenOf(written: string): string[] {
  const lines = [""];
  for (const piece of written.replaceAll("\x1b[K", "").split(/([\r\n])/)) {
    if (piece === "\n") lines.push("");
    else if (piece === "\r") lines[lines.length - 1] = "";
    else lines[lines.length - 1] += piece;
  }
  return lines;
}

function openScreen(columns: number) {
  let written = "";
  const terminal = openTerminal({
    isTTY: true,
    columns,
    write(text) {
      written += text;
    },
  });
  return { terminal, lines: () => screenOf(written) };
}

test("a message in the midst of the status line stands alone, and the status line below it", () => {
  const { terminal, lines } = openScreen(80);
  terminal.say("ready");
  terminal.showStatus("21 events/s");
  terminal.say("demo: 315840 events of history sent");
  terminal.showStatus("22 events/s");
  terminal.say("SIGINT: stopping");
  terminal.endStatus();
  terminal.say("stopped");
  expect(lines()).toEqual([
    "ready",
    "demo: 315840 events of history sent",
    "SIGINT: stopping",
    "22 events/s",
    "stopped",
    "",
  ]);
});

test("without a terminal there are plain lines", () => {
  let written = "";
  const terminal = openTerminal({
    write(text) {
      written += text;
    },
  });
  terminal.showStatus("21 events/s");
  terminal.say("demo: sent");
  terminal.showStatus("22 events/s");
  terminal.endStatus();
  expect(written).toBe("21 events/s\ndemo: sent\n22 events/s\n");
});

test.each([40, 80, 132, 200])("a status line fits into %i columns", (columns) => {
  const { terminal, lines } = openScreen(columns);
  const line = statusText(busy, terminal.width);
  terminal.showStatus(line);
  expect(line.length).toBeLessThan(columns);
  expect(lines()).toEqual([line]);
});

test("80 columns hold rate, lag and the watermark that is furthest behind; more columns hold more", () => {
  expect(statusText(busy, 79)).toBe("12346 events/s · lag 315840 · watermark 30.11. 19:27");
  const calm = { ...busy, eventsPerSecond: 20, lag: 0, open: 605, final: 60_287 };
  expect(statusText(calm, 79)).toBe(
    "20 events/s · lag 0 · watermark 30.11. 19:27 · windows 605 open 60287 final",
  );
  expect(statusText(calm, Number.POSITIVE_INFINITY)).toBe(
    "20 events/s · lag 0 · watermarks (UTC) consumption 30.11. 19:27:05 · sensor 30.11. 19:28:05 · weather 30.11. 19:28:05 · windows 605 open 60287 final",
  );
});

test("an alert comes first and is never what is left out", () => {
  expect(statusText({ ...busy, alerts: ["LOST 12"] }, 40)).toBe("LOST 12 · 12346 events/s · lag 315840");
});

test("a stream without a watermark is the one that is furthest behind", () => {
  const watermarks = [...busy.watermarks, { stream: "new", atMs: null }];
  expect(statusText({ ...busy, watermarks }, 79)).toBe(
    "12346 events/s · lag 315840 · watermark – · windows 60500 open 1260287 final",
  );
});

const noFindings = { brokenLogs: 0, lost: 0, unchecked: 0, holdsLess: false, redelivered: 0, kept: [] };
const nothingKept = { quarantined: 0, tooLate: 0, conflicts: 0, doubtful: 0 };

test("what was found stands first: what is lost, broken logs, conflicts, doubtful values, what was delivered again", () => {
  expect(alertsOf(noFindings)).toEqual([]);
  expect(alertsOf({ ...noFindings, brokenLogs: 1 })).toEqual(["LOGS BROKEN 1 (npm run audit)"]);
  expect(
    alertsOf({
      brokenLogs: 2,
      lost: 60,
      unchecked: 0,
      holdsLess: false,
      redelivered: 10,
      kept: [
        { ...nothingKept, stream: "consumption", quarantined: 3, conflicts: 4, tooLate: 1 },
        { ...nothingKept, stream: "sensor", quarantined: 1 },
        { ...nothingKept, stream: "weather", doubtful: 5 },
      ],
    }),
  ).toEqual([
    "LOST 60 (/ready says where)",
    "LOGS BROKEN 2 (npm run audit)",
    "QUARANTINED 4: consumption 3, sensor 1 (npm run quarantine -- list)",
    "CONFLICTS 4: consumption 4 (npm run quarantine -- conflicts)",
    "TOO LATE 1: consumption 1 (SELECT * FROM too_late_readable)",
    "DOUBTFUL 5: weather 5 (npm run quarantine -- doubtful)",
    "10 delivered again",
  ]);
  expect(alertsOf({ ...noFindings, lost: 60, holdsLess: true })).toEqual([
    "LOST 60: database emptied or an older copy (/ready says where)",
  ]);
  expect(alertsOf({ ...noFindings, lost: 60, unchecked: 3 })).toEqual([
    "LOST at least 60 (/ready says where)",
  ]);
  // Holes, perhaps: the broker was not asked.
  expect(alertsOf({ ...noFindings, unchecked: 3 })).toEqual([]);
});

test("79 columns name each finding, with where to look as long as that fits", () => {
  const line = (counts: object, findings: object = {}) =>
    statusText(
      {
        ...busy,
        alerts: alertsOf({
          ...noFindings,
          ...findings,
          kept: [{ ...nothingKept, ...counts, stream: "weather" }],
        }),
      },
      79,
    );
  expect(line({ conflicts: 12 })).toBe(
    "CONFLICTS 12 (npm run quarantine -- conflicts) · 12346 events/s · lag 315840",
  );
  expect(line({ quarantined: 3 })).toBe(
    "QUARANTINED 3 (npm run quarantine -- list) · 12346 events/s · lag 315840",
  );
  expect(line({ conflicts: 12, doubtful: 3 })).toBe(
    "CONFLICTS 12 · DOUBTFUL 3 · 12346 events/s · lag 315840",
  );
  expect(line({ conflicts: 10_000, doubtful: 3_000 }, { lost: 120, brokenLogs: 2, redelivered: 10 })).toBe(
    "LOST 120 · LOGS BROKEN 2 · CONFLICTS 10000 · DOUBTFUL 3000 · 10 delivered again",
  );
});
