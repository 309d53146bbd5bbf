// The series of metrics that alarms look at, by what writes them.
"use strict";

const STREAMS = require("./streams.cjs");

const SWEEPER = "sweep-windows";
/** By the ids that MSK gives those of infra/kafka/provisioned.yml. */
const BROKERS = ["1", "2", "3"];

/** One series: [namespace, metric, dimensions, statistic]. */
const aws = (namespace, metric, dimensions, statistic) => ({ namespace, metric, dimensions, statistic });

/** What an alarm needs to name things. */
function seriesOf(nameOf) {
  const ofSweeper = (metric, statistic) =>
    Object.keys(STREAMS).map((Stream) =>
      aws("Smartgrid", metric, { FunctionName: nameOf(SWEEPER), Stream }, statistic),
    );
  const ofAggregates = (metric) =>
    Object.entries(STREAMS).map(([Stream, name]) =>
      aws("Smartgrid", metric, { FunctionName: nameOf(name), Stream }, "Sum"),
    );
  const ofFunctions = (names, metric, statistic) =>
    names.map((name) => aws("AWS/Lambda", metric, { FunctionName: nameOf(name) }, statistic));
  const ofDatabase = (metric, statistic) => [
    aws("AWS/RDS", metric, { DBClusterIdentifier: { Ref: "DatabaseCluster" } }, statistic),
  ];
  const ofBrokers = (clusterName, metric) =>
    BROKERS.map((broker) =>
      aws("AWS/Kafka", metric, { "Cluster Name": clusterName, "Broker ID": broker }, "Maximum"),
    );
  const ofApi = (metric) => [aws("AWS/ApiGateway", metric, { ApiId: { Ref: "HttpApi" } }, "Sum")];
  const ofFailures = [
    aws(
      "AWS/SQS",
      "ApproximateNumberOfMessagesVisible",
      { QueueName: { "Fn::GetAtt": ["AggregateFailures", "QueueName"] } },
      "Maximum",
    ),
  ];
  return { ofSweeper, ofAggregates, ofFunctions, ofBrokers, ofDatabase, ofApi, ofFailures };
}

module.exports = { SWEEPER, seriesOf };
