// The plan of the database's connections: as many as functions that use it may run at once, and some for people.
"use strict";

const STREAMS = require("./streams.cjs");

/** Each holds one connection while it runs; deploy:check looks that none is left out. */
const CONNECTED = [...Object.values(STREAMS), "sweep-windows", "health", "migrate-database"];
/**
 * For people and their tools, each of which holds one (lib/postgres/pool.ts): a guess. It moves the alarm only, which is to ring
 * where something holds on to connections, long before the database refuses any; the smallest stage's takes hundreds.
 */
const PEOPLES_CONNECTIONS = 20;

/** @returns how many connections there may be at once */
async function readPlannedConnections(resolveVariable) {
  const executions = await Promise.all(
    CONNECTED.map((name) => resolveVariable(`self:functions.${name}.reservedConcurrency`)),
  );
  return executions.reduce((sum, count) => sum + Number(count), PEOPLES_CONNECTIONS);
}

module.exports = { PEOPLES_CONNECTIONS, readPlannedConnections };
