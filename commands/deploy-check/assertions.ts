// All that this project asserts of its own packaged template; cfn-lint and checkov assert what holds for everybody's.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../build/index.ts";
import { checkAlarms } from "./alarms.ts";
import { checkBundles } from "./bundles.ts";
import { checkDatabase } from "./database.ts";
import { checkFunctions } from "./functions.ts";
import { checkHandlers } from "./handlers.ts";
import { checkHttpApi } from "./http-api.ts";
import { checkNetwork } from "./network.ts";
import { checkPermissions } from "./permissions.ts";
import { checkReach } from "./reach.ts";
import { checkReferences } from "./references.ts";
import { checkSteps } from "./steps.ts";
import type { Template } from "./template.ts";
import { checkTriggers } from "./triggers.ts";

export const TEMPLATE_FILE = "cloudformation-template-update-stack.json";

export interface Packaged {
  readonly folder: string;
  readonly template: Template;
  readonly bundles: readonly Bundle[];
}

/** @param folder where `serverless package` has put the zips and the template */
export async function readPackaged(folder: string): Promise<Packaged> {
  return {
    folder,
    template: JSON.parse(await readFile(join(folder, TEMPLATE_FILE), "utf8")),
    bundles: JSON.parse(await readFile("dist/bundles.json", "utf8")),
  };
}

/** @returns what is wrong, a line each: which resource, what, and what to do */
export function checkTemplate({ template, bundles }: Packaged): string[] {
  return [
    ...checkReferences(template),
    ...checkFunctions(template),
    ...checkDatabase(template),
    ...checkTriggers(template),
    ...checkSteps(template),
    ...checkNetwork(template),
    ...checkReach(template),
    ...checkHttpApi(template),
    ...checkAlarms(template),
    ...checkPermissions(template, bundles),
    ...checkBundles(bundles),
  ];
}

/** The same, and each handler loaded from its zip. */
export async function checkPackaged(packaged: Packaged): Promise<string[]> {
  return [...checkTemplate(packaged), ...(await checkHandlers(packaged.template, packaged.folder))];
}
