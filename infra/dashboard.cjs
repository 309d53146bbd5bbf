// One dashboard: from left to right what comes in, what is counted, what is final, and what it costs the database.
// Metrics in Smartgrid are those of lib/embedded-metrics.ts; alarms with their limits are infra/alarms.cjs's.
"use strict";

const STREAMS = require("./streams.cjs");

// For Fn::Sub; JavaScript's own templates look the same, so they are put together here.
const sub = (name) => ["$", "{", name, "}"].join("");
const SUB = { database: sub("DatabaseCluster"), api: sub("HttpApi"), region: sub("AWS::Region") };
const WIDTH = 8; // of 24: three widgets in a row
const HEIGHT = 6;

function widgetsOf(prefix, hasDatabase) {
  const sweeper = (metric, stat = "Maximum") => ({
    stat,
    metrics: Object.keys(STREAMS).map((stream) => [
      ...["Smartgrid", metric, "FunctionName", `${prefix}-sweep-windows`, "Stream", stream],
      { label: stream },
    ]),
  });
  const aggregates = (metric, stat = "Sum") => ({
    stat,
    metrics: Object.entries(STREAMS).map(([stream, name]) => [
      ...["Smartgrid", metric, "FunctionName", `${prefix}-${name}`, "Stream", stream],
      { label: stream },
    ]),
  });
  const lambda = (metric, stat) => ({
    stat,
    metrics: [...Object.values(STREAMS), "sweep-windows"].map((name) => [
      ...["AWS/Lambda", metric, "FunctionName", `${prefix}-${name}`],
      { label: name },
    ]),
  });
  const database = (metric, stat) => ({
    stat,
    metrics: [["AWS/RDS", metric, "DBClusterIdentifier", SUB.database]],
  });
  const api = {
    stat: "Sum",
    metrics: ["Count", "4xx", "5xx"].map((m) => ["AWS/ApiGateway", m, "ApiId", SUB.api]),
  };
  return [
    ["Records counted, a minute", aggregates("Records")],
    ["Events that wait (lag)", sweeper("Lag")],
    ["Age of the watermark, s", sweeper("WatermarkAge")],
    ["In quarantine, a minute", aggregates("Quarantined")],
    ["Too late, a minute", aggregates("TooLate")],
    ["A commit, ms (95 %)", aggregates("CommitDuration", "p95")],
    ["Invocations' duration, ms (95 %)", lambda("Duration", "p95")],
    ["Errors", lambda("Errors", "Sum")],
    ["HTTP API", api],
    ["Offsets not yet invoked, by Lambda (OffsetLag)", lambda("OffsetLag", "Maximum")],
    ["Executions at once", lambda("ConcurrentExecutions", "Maximum")],
    ...(hasDatabase
      ? [
          ["Database: connections", database("DatabaseConnections", "Maximum")],
          ["Database: capacity in ACU", database("ServerlessDatabaseCapacity", "Maximum")],
          ["Database: bytes stored", database("VolumeBytesUsed", "Maximum")],
        ]
      : []),
  ];
}

function dashboardBody(prefix, hasDatabase) {
  return {
    widgets: widgetsOf(prefix, hasDatabase).map(([title, { stat, metrics }], i) => ({
      type: "metric",
      x: (i % 3) * WIDTH,
      y: Math.floor(i / 3) * HEIGHT,
      width: WIDTH,
      height: HEIGHT,
      properties: { title, stat, metrics, period: 60, region: SUB.region, yAxis: { left: { min: 0 } } },
    })),
  };
}

function dashboardResources(prefix, hasDatabase) {
  return {
    Dashboard: {
      Type: "AWS::CloudWatch::Dashboard",
      Properties: {
        DashboardName: prefix,
        DashboardBody: { "Fn::Sub": JSON.stringify(dashboardBody(prefix, hasDatabase)) },
      },
    },
  };
}

module.exports = async ({ resolveVariable }) => {
  const prefix = `${await resolveVariable("self:service")}-${await resolveVariable("sls:stage")}`;
  const kind = await resolveVariable("file(infra/deployment.cjs):database.kind");
  return { Resources: dashboardResources(prefix, kind === "aurora") };
};
module.exports.dashboardResources = dashboardResources;
