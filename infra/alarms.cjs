// Alarms: each says that something is wrong for the users or will be soon; what to do stands in docs/runbook.md under its
// name (a test keeps names and sections the same). Metrics in Smartgrid are those of lib/embedded-metrics.ts. What has no
// data is no breach, but where silence itself is the fault.
"use strict";

const { SWEEPER, seriesOf } = require("./alarm-series.cjs");
const { topicResources } = require("./alarm-topic.cjs");
const { readPlannedConnections } = require("./connections.cjs");
const STREAMS = require("./streams.cjs");

const WRITERS = [...Object.values(STREAMS), SWEEPER];
const FUNCTIONS = [
  ...["produce-weather", "generate-weather", "ingest-sensor", "ingest-meter", "health"],
  ...WRITERS,
];
const GIB = 1024 ** 3;

/** Expression of an alarm that looks at the one series itself. */
const ITSELF = "a0";
/** By osls' own naming: before it, nobody sweeps, and silence is no fault. */
const SWEEPER_RULE = "SweepDashwindowsEventsRuleSchedule1";

/**
 * [what it says, periods of seconds, how many of them, threshold, expression over the series a0, a1, …, b0, … or what makes
 * it of their numbers, series]
 */
function pipelineAlarms({ ofSweeper, ofAggregates, ofFunctions, ofApi, ofFailures }) {
  const lag = ofSweeper("Lag", "Maximum");
  const all = (metric) => ofFunctions(FUNCTIONS, metric, "Sum");
  return {
    "records-lost": [
      "The trigger has passed records that are not counted",
      ...[60, 1, "> 0", "MAX(METRICS())", ofSweeper("Lost", "Maximum")],
    ],
    "lag-high": ["More than 100,000 events wait in a topic", 60, 10, "> 100000", "MAX(METRICS())", lag],
    "lag-growing": [
      "Events come faster than they are counted",
      ...[60, 15, "> 0", "IF(SUM(METRICS()) > 1000, DIFF(SUM(METRICS())), 0)", lag],
    ],
    "sweeper-silent": [
      "A stream has not been swept for 5 minutes: none of its windows becomes final",
      ...[
        60,
        5,
        "< 1",
        (each) => `MIN([${each.map((i) => `FILL(a${i}, 0)`).join(", ")}])`,
        ofSweeper("Sweeps", "Sum"),
      ],
    ],
    "watermark-behind": [
      "Windows become final more than an hour after their end",
      ...[60, 15, "> 3600", "MAX(METRICS())", ofSweeper("WatermarkAge", "Maximum")],
    ],
    "quarantine-rate": [
      "More than one in a hundred records of a stream is no valid event",
      ...[
        300,
        3,
        "> 1",
        (each) => `MAX([${each.map((i) => `100 * FILL(a${i}, 0) / FILL(b${i}, 1)`).join(", ")}])`,
      ],
      ...[ofAggregates("Quarantined"), ofAggregates("Records")],
    ],
    "too-late": [
      "Events came for windows that can no longer be amended, and were kept aside",
      ...[300, 1, "> 0", "SUM(METRICS())", ofAggregates("TooLate")],
    ],
    "doubtful-values": [
      "Events were counted with values that are likely to be another unit",
      ...[300, 1, "> 0", "SUM(METRICS())", ofAggregates("Doubtful")],
    ],
    conflicts: [
      "Events came under an identity that was counted with other content, and were kept aside",
      ...[300, 1, "> 0", "SUM(METRICS())", ofAggregates("Conflicts")],
    ],
    "log-broken": [
      "A partition's log was truncated, its topic created again, or another cluster answers: the log and the audit say which",
      ...[300, 1, "> 0", "SUM(METRICS())", ofSweeper("LogBreaks", "Sum")],
    ],
    "failures-queued": ["Batches were given up and wait to be replayed", 300, 1, "> 0", ITSELF, ofFailures],
    "function-errors": ["Functions fail", 300, 3, "> 5", "SUM(METRICS())", all("Errors")],
    "function-timeouts": [
      "A function that writes to the database takes nearly all of its 60 s",
      ...[300, 3, "> 55000", "MAX(METRICS())", ofFunctions(WRITERS, "Duration", "Maximum")],
    ],
    "function-throttles": [
      "Functions are not started: the account or a reservation has no room",
      ...[300, 3, "> 0", "SUM(METRICS())", all("Throttles")],
    ],
    "api-errors": [
      "The HTTP API answers with 5xx: what callers send is not taken",
      ...[300, 3, "> 5", "100 * a0 / b0", ofApi("5xx"), ofApi("Count")],
    ],
  };
}

/** Of the stack's own brokers (MSK_CLUSTER_TYPE=provisioned); MSK Serverless has no disks to look after. */
function brokerAlarms({ ofBrokers }, clusterName) {
  return {
    "kafka-disk": [
      "A broker's disk is nearly full: without room it takes no more records",
      ...[300, 3, "> 80", "MAX(METRICS())", ofBrokers(clusterName, "KafkaDataLogsDiskUsed")],
    ],
  };
}

/** Of the stack's own database; one that exists has its owner's. */
function databaseAlarms({ ofDatabase }, { connections, volumeGib }) {
  const alarm = (what, periods, threshold, metric, statistic, periodSeconds = 60) => [
    ...[what, periodSeconds, periods, threshold, ITSELF, ofDatabase(metric, statistic)],
  ];
  return {
    "database-connections": alarm(
      "The database has more connections than are planned",
      ...[5, `> ${connections}`, "DatabaseConnections", "Maximum"],
    ),
    // The busiest instance: the average of a writer and a standby that idles is half of the writer's.
    "database-cpu": alarm("The database computes all the time", 15, "> 80", "CPUUtilization", "Maximum"),
    "database-capacity": alarm(
      "The database needs more than 90 % of its largest capacity",
      ...[15, "> 90", "ACUUtilization", "Maximum"],
    ),
    // Aurora tells the volume's size every few minutes: in a shorter period there would mostly be none.
    "database-volume": alarm(
      "The tables are larger than planned",
      ...[1, `> ${volumeGib * GIB}`, "VolumeBytesUsed", "Maximum", 3600],
    ),
    "database-transaction-ids": alarm(
      "Vacuum does not keep up; at 2 billion transactions PostgreSQL stops writing",
      ...[5, "> 1000000000", "MaximumUsedTransactionIDs", "Maximum"],
    ),
  };
}

/** CloudWatch takes so many metrics in an alarm, the expression among them. */
const MOST_METRICS = 10;

/** One alarm, or as many as its series need: `function-errors`, `function-errors-2`. */
function inParts(name, [what, periodSeconds, periods, limit, expression, ...groups]) {
  const count = groups[0].length;
  const most = Math.floor((MOST_METRICS - 1) / groups.length);
  const parts = Math.ceil(count / most);
  const size = Math.ceil(count / parts);
  return Array.from({ length: parts }, (_, part) => {
    const own = groups.map((series) => series.slice(part * size, (part + 1) * size));
    return [
      part === 0 ? name : `${name}-${part + 1}`,
      [what, periodSeconds, periods, limit, expression, ...own],
    ];
  });
}

function resourceOf(name, alarmName, [what, periodSeconds, periods, limit, expression, ...groups]) {
  const [comparison, threshold] = limit.split(" ");
  const metrics = groups.flatMap((series, group) =>
    series.map(({ namespace, metric, dimensions, statistic }, i) => ({
      Id: `${"ab"[group]}${i}`,
      ReturnData: expression === ITSELF,
      MetricStat: {
        Metric: {
          Namespace: namespace,
          MetricName: metric,
          Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        },
        Period: periodSeconds,
        Stat: statistic,
      },
    })),
  );
  const each = [...(groups[0] ?? []).keys()];
  const Expression = typeof expression === "function" ? expression(each) : expression;
  const value = { Id: "value", Expression, Label: what, ReturnData: true };
  const isOfSilence = name === "sweeper-silent";
  return {
    Type: "AWS::CloudWatch::Alarm",
    ...(isOfSilence ? { DependsOn: [SWEEPER_RULE] } : {}),
    Properties: {
      AlarmName: alarmName,
      AlarmDescription: `${what}. What to do: docs/runbook.md, ${name}`,
      ComparisonOperator: comparison === ">" ? "GreaterThanThreshold" : "LessThanThreshold",
      Threshold: Number(threshold),
      EvaluationPeriods: periods,
      DatapointsToAlarm: periods,
      TreatMissingData: isOfSilence ? "breaching" : "notBreaching",
      AlarmActions: [{ Ref: "AlarmTopic" }],
      OKActions: [{ Ref: "AlarmTopic" }],
      Metrics: expression === ITSELF ? metrics : [...metrics, value],
    },
  };
}

const logicalId = (name) => `${name.replace(/(^|-)(\w)/g, (_, _dash, letter) => letter.toUpperCase())}Alarm`;

/**
 * @param clusterName of the stack's own brokers, or null where it has none
 * @param database its plan, or null where it is not the stack's own
 */
function alarmResources(prefix, { clusterName, database, email }) {
  const series = seriesOf((name) => `${prefix}-${name}`);
  const alarms = {
    ...pipelineAlarms(series),
    ...(clusterName ? brokerAlarms(series, clusterName) : {}),
    ...(database ? databaseAlarms(series, database) : {}),
  };
  const resources = Object.entries(alarms).flatMap(([name, alarm]) =>
    inParts(name, alarm).map(([part, own]) => [logicalId(part), resourceOf(name, `${prefix}-${part}`, own)]),
  );
  return { ...topicResources(`${prefix}-alarms`, email), ...Object.fromEntries(resources) };
}

module.exports = async ({ resolveVariable }) => {
  const prefix = `${await resolveVariable("self:service")}-${await resolveVariable("sls:stage")}`;
  const [kafkaKind, databaseKind, email] = await Promise.all(
    ["kafka.kind", "database.kind", "alarmEmail"].map((what) =>
      resolveVariable(`file(infra/deployment.cjs):${what}`),
    ),
  );
  const plan = {
    connections: await readPlannedConnections(resolveVariable),
    volumeGib: await resolveVariable("file(infra/deployment.cjs):stage.databaseVolumeGib"),
  };
  return {
    Resources: alarmResources(prefix, {
      clusterName: kafkaKind === "provisioned" ? prefix : null,
      database: databaseKind === "aurora" ? plan : null,
      email,
    }),
  };
};
module.exports.alarmResources = alarmResources;
module.exports.FUNCTIONS = FUNCTIONS;
