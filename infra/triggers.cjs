// What osls' `msk` event cannot say of the triggers, under the logical ids that osls gives them: their pollers' group, and
// what happens to a batch that fails. The triggers of this machine read the same.
"use strict";

const { streamSettings } = require("../lib/streams/declared.ts");

/** One group of pollers for all triggers: each group costs at least one poller unit, 135 USD a month (npm run cost). */
const pollers = (group, maximum) => ({
  ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: maximum, PollerGroupName: group },
});

const FAILURE_HANDLING = {
  BisectBatchOnFunctionError: true,
  // Bad data never makes a function throw, so this is an outage: 200 tries are about 3 hours. Then the batch's offsets go
  // to the queue, the partition goes on, and `npm run audit -- --repair` makes up for it (docs/runbook.md).
  MaximumRetryAttempts: 200,
  DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["AggregateFailures", "Arn"] } } },
};

/** Pollers say their own trouble (no way to the brokers, no permission) in the function's log. */
const LOGGING = { LoggingConfig: { SystemLogLevel: "WARN" } };

const alphanumeric = (text) => text.replace(/[^0-9A-Za-z]/g, "");
const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** osls' own naming (lib/plugins/aws/lib/naming.js): a wrong one fails the package. */
function logicalId(stream, cluster, topic) {
  const name = typeof cluster === "string" ? cluster.split("/")[1] : cluster.Ref;
  const [from, what] = [name, topic].map((text) => capitalized(alphanumeric(text)).slice(0, 79));
  return `AggregateDash${stream}EventSourceMappingMSK${from}${what}`;
}

module.exports = async ({ resolveVariable }) => {
  const cluster = await resolveVariable("file(infra/deployment.cjs):kafka.arn");
  const topics = await resolveVariable("file(infra/deployment.cjs):topics");
  const group = `${await resolveVariable("self:service")}-${await resolveVariable("sls:stage")}`;
  const maximum = await resolveVariable("file(infra/deployment.cjs):stage.maximumPollers");
  return {
    extensions: Object.fromEntries(
      Object.entries(topics).map(([stream, topic]) => [
        logicalId(stream, cluster, topic),
        {
          Properties: {
            ...pollers(group, streamSettings[stream].partitions === 1 ? 1 : maximum),
            ...FAILURE_HANDLING,
            ...LOGGING,
          },
        },
      ]),
    ),
  };
};
