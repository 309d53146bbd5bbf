// Imports point one way, from room to room. ARCHITECTURE.md has the same table; tests/unit/rooms.test.ts compares them.
"use strict";

/** What each room may import of the others; types count as well. lib/log.ts and lib/embedded-metrics.ts are everybody's. */
const rooms = {
  "lib/core": [],
  "lib/streams": ["lib/core"],
  "lib/windows": ["lib/core", "lib/streams"],
  "lib/postgres": ["lib/core", "lib/streams", "lib/windows"],
  "lib/config": ["lib/core", "lib/streams", "lib/windows", "lib/postgres"],
  "lib/kafka": ["lib/core", "lib/config"],
  "lib/weather": [],
  "lib/http": ["lib/core", "lib/streams", "lib/postgres", "lib/kafka", "lib/weather"],
  "lib/deploy": [],
  "lib/audit": ["lib/core", "lib/streams", "lib/windows", "lib/postgres", "lib/kafka"],
  "lib/quarantine": ["lib/core", "lib/streams", "lib/windows", "lib/postgres"],
  "lib/amend": ["lib/core", "lib/streams", "lib/windows", "lib/postgres", "lib/kafka"],
  "lib/lambda": ["lib/core", "lib/streams", "lib/windows", "lib/postgres", "lib/config", "lib/kafka"],
  functions: ["lib"],
  localstack: [],
  examples: ["localstack"],
  infra: ["lib", "commands/running-stack"],
};

const escaped = (path) => path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
const folders = (paths) => `^(${paths.map(escaped).join("|")})/`;

const rule = (name, comment, from, to) => ({ name, severity: "error", comment, from, to });

module.exports = {
  forbidden: [
    rule("no-circular", "a circle has no first thing to read", {}, { circular: true }),
    ...Object.entries(rooms).map(([room, others]) =>
      rule(
        `imports-of-${room}`,
        `${room} may import ${others.join(", ") || "no other room"}`,
        { path: folders([room]) },
        {
          path: "^(functions|localstack|commands|tests|examples|infra|lib/[^/]+)/",
          pathNot: folders([room, ...others]),
        },
      ),
    ),
    rule(
      "a-function-is-an-end",
      "no function imports another one",
      { path: "^functions/([^/]+)/" },
      { path: "^functions/", pathNot: "^functions/$1/" },
    ),
    rule(
      "core-and-streams-are-pure",
      "they know no library: what they compute follows from what they are given",
      { path: "^lib/(core|streams)/" },
      { path: "node_modules" },
    ),
    rule(
      "kafkajs-in-one-room",
      "only lib/kafka knows the client",
      { path: "^lib/(?!kafka/)" },
      { path: "node_modules/(kafkajs|@platformatic)/" },
    ),
    rule(
      "lib-has-no-terminal",
      "options and terminal text are for commands",
      { path: "^lib/" },
      { path: "node_modules/(commander|csv-parse)/" },
    ),
    rule(
      "the-oracle-is-independent",
      "what judges the pipeline uses none of it",
      { path: "^commands/chaos/(oracle|verdict|samples)" },
      { path: "^lib/" },
    ),
    rule(
      "cost-is-a-model",
      "of numbers, not of code",
      { path: "^commands/cost/(?!index|report)" },
      {
        path: "^(lib|functions|localstack|commands/(?!cost/)|infra/(?!streams\\.cjs$)|node_modules/(?!yaml))",
      },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
  },
};
