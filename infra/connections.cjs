// The plan of the database's connections: as many as functions that use it may run at once, and some for people.
"use strict";

const STREAMS = require("./streams.cjs");

/** Each holds one connection while it runs; deploy:check looks that none is left out. */
const CONNECTED = [...Object.values(STREAMS), "sweep-windows", "health", "migrate-database"];
/** For people, the audit and other tools: a guess, and what the alarm is louder than. */
const PEOPLES_CONNECTIONS = 20;

/** @returns how many connections there may be at once */
async function readPlannedConnections(resolveVariable) {
  const executions = await Promise.all(
    CONNECTED.map((name) => resolveVariable(`self:functions.${name}.reservedConcurrency`)),
  );
  return executions.reduce((sum, count) => sum + Number(count), PEOPLES_CONNECTIONS);
}

module.exports = { readPlannedConnections };
