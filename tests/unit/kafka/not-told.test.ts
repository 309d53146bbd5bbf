// What the broker answers for good when it is asked how a topic is cleaned up, and what only for now.

import { expect, test } from "vitest";
import { isNotTold } from "../../../lib/kafka/groups.ts";

const named = (name: string) => Object.assign(new Error("no"), { name });
const typed = (type: string) => Object.assign(new Error("no"), { name: "KafkaJSProtocolError", type });

test.each([
  typed("TOPIC_AUTHORIZATION_FAILED"),
  typed("CLUSTER_AUTHORIZATION_FAILED"),
  typed("UNSUPPORTED_VERSION"),
  named("KafkaJSServerDoesNotSupportApiKey"),
])("for good: %o", (error) => {
  expect(isNotTold(error)).toBe(true);
});

test.each([
  typed("NOT_LEADER_FOR_PARTITION"),
  typed("UNKNOWN_TOPIC_OR_PARTITION"),
  typed("UNKNOWN"),
  named("KafkaJSConnectionError"),
  named("KafkaJSRequestTimeoutError"),
  "no error",
])("only for now: %o", (error) => {
  expect(isNotTold(error)).toBe(false);
});
