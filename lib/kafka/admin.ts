// An admin client that is kept between questions.

import type { Admin } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import { keepConnection } from "./connection.ts";

export interface KeptAdmin {
  /** @throws what the question throws; the next one is asked on a new connection */
  ask<T>(question: (admin: Admin) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const CLOSED = ["ECONNRESET", "EPIPE"];

/** A connection kept from an earlier call was closed, by its session's end or the broker: kafkajs' admin gives up then. */
function isClosed(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "KafkaJSConnectionClosedError") return true;
  return (
    error.name === "KafkaJSConnectionError" && "code" in error && CLOSED.some((code) => code === error.code)
  );
}

/** Connects when it is first asked. */
export function keepAdmin(settings: KafkaSettings): KeptAdmin {
  const connection = keepConnection(settings, (kafka) => kafka.admin());

  async function ask<T>(question: (admin: Admin) => Promise<T>, mayRepeat: boolean): Promise<T> {
    const asked = connection.get();
    try {
      return await question(await asked);
    } catch (error) {
      // The connection may be what is broken: the next call makes a new one.
      void connection.drop(asked);
      if (mayRepeat && isClosed(error)) return ask(question, false);
      throw error;
    }
  }

  return { ask: (question) => ask(question, true), close: () => connection.drop() };
}
