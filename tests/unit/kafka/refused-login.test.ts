// A connection that the client has given up, and that the broker then resets, does not end the process.
import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import { Connection } from "@platformatic/kafka";
import { expect, test } from "vitest";
import { clientOptions } from "../../../lib/kafka/client-options.ts";

test("its error has a listener from the moment it is made", async () => {
  await clientOptions({ brokers: ["127.0.0.1:1"], clusterArn: null, clientId: "test", iam: false });
  const connection = new Connection("test");
  expect(() => connection.emit("error", new Error("read ECONNRESET"))).not.toThrow();
  expect(channel("plt:kafka:instances").hasSubscribers).toBe(true);
  expect(() => new EventEmitter().emit("error", new Error("of others"))).toThrow("of others");
});
