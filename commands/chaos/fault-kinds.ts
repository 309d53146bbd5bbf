// All faults by name: those of the triggers, and those that the laboratory does itself.

import { faultKinds as triggerFaults } from "../../localstack/event-source-mapping/faults.ts";
import { functionFaults } from "./faults/functions.ts";
import { networkFaults } from "./faults/network.ts";
import { serverFaults } from "./faults/servers.ts";
import { topicFaults } from "./faults/topics.ts";

export const ownFaults = { ...functionFaults, ...networkFaults, ...serverFaults, ...topicFaults } as const;

export type OwnFault = keyof typeof ownFaults;
export type ChaosFault = OwnFault | (typeof triggerFaults)[number];

export function isOwnFault(kind: string): kind is OwnFault {
  return Object.hasOwn(ownFaults, kind);
}

export const ownFaultKinds = Object.keys(ownFaults).filter(isOwnFault);

/** Wrong clocks are no event of a moment: each new process of a function draws its own. */
export const chaosFaults: readonly ChaosFault[] = [...ownFaultKinds, ...triggerFaults];
