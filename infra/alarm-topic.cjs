// Where all alarms go.
"use strict";

/** Who is told: whoever subscribes to the topic, and ALARM_EMAIL where it is set. */
function topicResources(topicName, email) {
  const subscription = { TopicArn: { Ref: "AlarmTopic" }, Protocol: "email", Endpoint: email };
  return {
    AlarmTopic: {
      Type: "AWS::SNS::Topic",
      Metadata: {
        checkov: {
          skip: [
            {
              id: "CKV_AWS_26",
              comment: "Names of alarms only; CloudWatch cannot publish under AWS's own key for SNS",
            },
          ],
        },
      },
      Properties: { TopicName: topicName },
    },
    ...(email ? { AlarmEmail: { Type: "AWS::SNS::Subscription", Properties: subscription } } : {}),
  };
}

module.exports = { topicResources };
