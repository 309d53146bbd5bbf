// One role per function, with exactly what its code calls (`npm run deploy:check` compares both ways). The resources are
// the cluster's, topic's, group's or database user's own ARNs; each `*` has its reason below.
"use strict";

const STREAMS = require("./streams.cjs");

const allow = (Action, Resource) => ({ Effect: "Allow", Action, Resource });

/**
 * Everything that writes logs in a group of its own. The streams' names are Lambda's to choose: `:*` are the streams of
 * this one group.
 */
const logs = (name) =>
  allow(["logs:CreateLogStream", "logs:PutLogEvents"], {
    "Fn::Sub": `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${name}:*`,
  });

const INTERFACES = [
  "ec2:CreateNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DeleteNetworkInterface",
  "ec2:DescribeSubnets",
  "ec2:AssignPrivateIpAddresses",
  "ec2:UnassignPrivateIpAddresses",
];
const OF_TRIGGER = ["ec2:DescribeVpcs", "ec2:DescribeSecurityGroups"];

// `*`: network interfaces are made by Lambda under ids that nobody knows before, EC2 has no narrower resource for describing
// them, and a subnet that is shared belongs to another account, so that its ARN cannot be told from ours.
const interfaces = allow(INTERFACES, "*");
const interfacesOfTrigger = allow([...INTERFACES, ...OF_TRIGGER], "*");

/**
 * What Lambda may do in a function's name, the function's own code may not (Lambda Developer Guide, "Giving Lambda functions
 * access to resources in an Amazon VPC"). Not so for the triggers' roles, in whose name pollers work as well: whether these
 * pass for the function's code then, AWS does not say, and no caller starts these functions.
 */
const noInterfacesForCode = (name) => ({
  Effect: "Deny",
  Action: INTERFACES,
  Resource: "*",
  Condition: {
    ArnEquals: {
      "lambda:SourceFunctionArn": {
        "Fn::Sub": `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${name}`,
      },
    },
  },
});

// `*`: X-Ray has no narrower resource for what is sent to it (Service Authorization Reference, AWS X-Ray).
const traces = allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*");

/** The ARNs of a cluster's topics and groups are its own with another word in the middle, and the name behind. */
function kafkaArns(cluster) {
  const within = (kind) => (name) => ({
    "Fn::Join": ["", [{ "Fn::Join": [`:${kind}/`, { "Fn::Split": [":cluster/", cluster] }] }, `/${name}`]],
  });
  return { cluster, topic: within("topic"), group: within("group") };
}

/** A user of the database, who logs in by IAM. */
const databaseUser = (resourceId, user) => ({
  "Fn::Join": [
    "",
    [
      { "Fn::Sub": `arn:\${AWS::Partition}:rds-db:\${AWS::Region}:\${AWS::AccountId}:dbuser:` },
      resourceId,
      `/${user}`,
    ],
  ],
});

function statements({ kafka, isProvisioned, database }) {
  const brokers = allow(["kafka:GetBootstrapBrokers"], kafka.cluster);
  return {
    /** Lambda's pollers, which read the topic in the function's name. */
    trigger: (topic, group) => [
      allow(["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"], kafka.cluster),
      allow(
        [
          "kafka-cluster:Connect",
          ...(isProvisioned ? ["kafka-cluster:DescribeClusterDynamicConfiguration"] : []),
        ],
        kafka.cluster,
      ),
      allow(["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], kafka.topic(topic)),
      allow(["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"], kafka.group(group)),
      allow(["sqs:SendMessage"], { "Fn::GetAtt": ["AggregateFailures", "Arn"] }),
    ],
    producer: (topic) => [
      brokers,
      allow(["kafka-cluster:Connect", "kafka-cluster:WriteDataIdempotently"], kafka.cluster),
      allow(["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"], kafka.topic(topic)),
    ],
    /** Asks how far the partitions reach. */
    offsets: (topics) => [
      brokers,
      allow(["kafka-cluster:Connect"], kafka.cluster),
      allow(["kafka-cluster:DescribeTopic"], topics.map(kafka.topic)),
    ],
    /** Reads records again by their offsets, in no group. */
    archive: (topics) => [allow(["kafka-cluster:ReadData"], topics.map(kafka.topic))],
    /** Asks how far the triggers' groups have come, and what the topics keep. */
    groups: (topics, groups) => [
      allow(["kafka-cluster:DescribeTopicDynamicConfiguration"], topics.map(kafka.topic)),
      allow(["kafka-cluster:DescribeGroup"], groups.map(kafka.group)),
    ],
    topicMaker: (topics) => [
      brokers,
      allow(["kafka-cluster:Connect"], kafka.cluster),
      allow(["kafka-cluster:CreateTopic", "kafka-cluster:DescribeTopic"], topics.map(kafka.topic)),
    ],
    login: (user) => [allow(["rds-db:connect"], databaseUser(database.resourceId, user))],
  };
}

const roleOf = (Statement) => ({
  Type: "AWS::IAM::Role",
  Properties: {
    AssumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
      ],
    },
    Policies: [{ PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement } }],
  },
});

module.exports = async ({ resolveVariable }) => {
  const deployment = (what) => resolveVariable(`file(infra/deployment.cjs):${what}`);
  const [topics, groups, kafka, database, isTraced] = await Promise.all(
    ["topics", "groups", "kafka", "database", "stage.tracing"].map(deployment),
  );
  const prefix = `${await resolveVariable("self:service")}-${await resolveVariable("sls:stage")}`;
  const may = statements({
    kafka: kafkaArns(kafka.arn),
    isProvisioned:
      kafka.kind === "provisioned" || (typeof kafka.arn === "string" && !/-s\d+$/.test(kafka.arn)),
    database,
  });
  const all = Object.values(topics);
  const policies = {
    "produce-weather": may.producer(topics.weather),
    "generate-weather": may.producer(topics.weather),
    "ingest-sensor": may.producer(topics.sensor),
    "ingest-meter": may.producer(topics.consumption),
    health: [...may.offsets(all), ...may.login(database.users.api)],
    ...Object.fromEntries(
      Object.entries(STREAMS).map(([stream, name]) => [
        name,
        [...may.trigger(topics[stream], groups[stream]), ...may.login(database.users.ingest)],
      ]),
    ),
    "sweep-windows": [
      ...may.offsets(all),
      ...may.archive(all),
      ...may.groups(all, Object.values(groups)),
      ...may.login(database.users.sweep),
    ],
    "migrate-database": may.login(database.owner),
    "create-topics": may.topicMaker(all),
  };
  const ofEveryOne = (key) => [
    logs(`${prefix}-${key}`),
    ...(Object.values(STREAMS).includes(key)
      ? [interfacesOfTrigger]
      : [interfaces, noInterfacesForCode(`${prefix}-${key}`)]),
    ...(isTraced ? [traces] : []),
  ];
  const logicalId = (key) => `${key.replaceAll(/(^|-)(.)/g, (_, __, first) => first.toUpperCase())}Role`;
  return {
    Resources: Object.fromEntries(
      Object.entries(policies).map(([key, policy]) => [
        logicalId(key),
        roleOf([...ofEveryOne(key), ...policy]),
      ]),
    ),
  };
};
