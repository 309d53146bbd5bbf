// Imports point one way: functions → http, aggregate, weather → store, kafka → streams → core.
"use strict";

const rule = (name, from, to, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      comment: "a circle has no first thing to read",
      from: {},
      to: { circular: true },
    },
    rule(
      "core-is-pure",
      "^lib/core/",
      "^(lib/(?!core/)|functions|localstack|scripts|demo|node_modules)",
      "the core knows nothing outside itself",
    ),
    rule(
      "streams-are-pure",
      "^lib/streams/",
      "^(lib/(?!core/|streams/)|functions|localstack|scripts|demo|node_modules)",
      "streams know the core only",
    ),
    rule(
      "kafkajs-in-one-place",
      "^lib/(?!kafka/)",
      "node_modules/kafkajs",
      "only lib/kafka knows the client",
    ),
    rule(
      "localstack-knows-nothing",
      "^localstack/",
      "^(lib|functions|demo|scripts|replay|chaos)/",
      "another project could lift it out",
    ),
    rule(
      "lib-does-not-know-its-users",
      "^lib/",
      "^(functions|localstack|demo|scripts|replay|chaos|cost|tests)/",
      "imports point down",
    ),
    rule(
      "functions-are-ends",
      "^(lib|localstack|demo|scripts|replay|chaos|functions/([^/]+))/",
      "^functions/(?!$2/)",
      "nothing imports a function",
    ),
    rule(
      "the-oracle-is-independent",
      "^chaos/(oracle|verdict|samples)",
      "^lib/",
      "what judges the pipeline uses none of it",
    ),
    rule(
      "cost-is-pure",
      "^cost/",
      "^(lib|functions|localstack|demo|scripts|replay|infra/(?!streams\\.cjs$)|node_modules/(?!yaml))",
      "a model of numbers, not of code",
    ),
    rule(
      "store-knows-no-kafka",
      "^lib/store/",
      "^lib/(kafka|http|aggregate)/",
      "the store is one edge, Kafka another",
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
  },
};
