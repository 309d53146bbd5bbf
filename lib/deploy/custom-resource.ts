// A step of a deployment as a CloudFormation custom resource: CloudFormation waits for the answer, shows it, and undoes
// the deployment where it is a failure. So there is an answer to everything, and before the function's time is over.

import type {
  CloudFormationCustomResourceEvent,
  CloudFormationCustomResourceResponse,
  Context,
} from "aws-lambda";
import { log, messageOf } from "../log.ts";

/** Time that is left for the answer when the step takes too long. */
const ANSWER_MS = 10_000;
/** CloudFormation takes 4096 bytes as a whole. */
const LONGEST_TEXT = 1_500;

type Event<Properties> = Pick<
  CloudFormationCustomResourceEvent,
  "RequestType" | "ResponseURL" | "StackId" | "RequestId" | "LogicalResourceId"
> & { readonly ResourceProperties: Properties };

/** What the stack's outputs say of a step, again and again until a later deployment runs it again. */
interface StepData extends Record<string, string> {
  readonly Result: string;
  /** UTC, to the minute. */
  readonly At: string;
}

const dataOf = (result: string): StepData => ({
  Result: result.slice(0, LONGEST_TEXT),
  At: new Date().toISOString().slice(0, 16).replace("T", " "),
});

async function withinTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${Math.round(limitMs / 1000)} s`)), limitMs);
  });
  try {
    return await Promise.race([work, timeOut]);
  } finally {
    clearTimeout(timer);
  }
}

async function answer(
  event: Event<unknown>,
  outcome: {
    readonly Status: "SUCCESS" | "FAILED";
    readonly Reason?: string;
    readonly Data?: StepData;
  },
): Promise<void> {
  const body: CloudFormationCustomResourceResponse = {
    Reason: "",
    ...outcome,
    // The same for ever: another one would make CloudFormation delete the one before.
    PhysicalResourceId: event.LogicalResourceId,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
  };
  const response = await fetch(event.ResponseURL, {
    method: "PUT",
    headers: { "content-type": "" }, // the address is signed without one
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: HTTP ${response.status}`);
}

/**
 * Makes a handler of a step.
 * @param step does it, as often as it is asked to, and says in a line what it did; what it throws fails the deployment.
 *   It is told how many milliseconds it has left
 */
export function customResource<Properties = unknown>(
  step: (properties: Properties, remainingMs: () => number) => Promise<string>,
): (event: Event<Properties>, context: Pick<Context, "getRemainingTimeInMillis">) => Promise<void> {
  return async (event, context) => {
    // Removing the stack removes neither tables nor topics: what holds them goes, or its owner decides.
    if (event.RequestType === "Delete") return answer(event, { Status: "SUCCESS", Data: dataOf("kept") });
    const remainingMs = () => context.getRemainingTimeInMillis() - ANSWER_MS;
    try {
      const result = await withinTime(step(event.ResourceProperties, remainingMs), remainingMs());
      log("info", "step of the deployment done", { step: event.LogicalResourceId, result });
      await answer(event, { Status: "SUCCESS", Data: dataOf(result) });
    } catch (error) {
      // Whatever it is: CloudFormation would wait for an hour and then say nothing of it.
      log("error", "step of the deployment failed", {
        step: event.LogicalResourceId,
        error: messageOf(error),
      });
      await answer(event, { Status: "FAILED", Reason: messageOf(error).slice(0, LONGEST_TEXT) });
    }
  };
}
