// Who the functions are to AWS: each with its role's policy and an access key, and, to see what every right is for, each
// function again without one of its actions on Kafka.

import { randomUUID } from "node:crypto";
import { allowedBy } from "../../commands/deploy-check/permissions.ts";
import { functionsOf, type Template } from "../../commands/deploy-check/template.ts";
import type { Credentials } from "../../lib/postgres/login-token.ts";
import type { AccessKey } from "./presigned-token.ts";

export interface Identity extends AccessKey, Credentials {
  readonly sessionToken: string;
  /** The policy, as `action on ARN`. */
  readonly allowed: readonly string[];
}

/** As AWS gives them to a role, for some hours. @param principal letters, digits and hyphens */
const newIdentity = (principal: string, allowed: readonly string[]): Identity => ({
  principal,
  accessKeyId: `ASIA${randomUUID().replaceAll("-", "").slice(0, 16).toUpperCase()}`,
  secretAccessKey: randomUUID(),
  sessionToken: `${randomUUID()}+/==`,
  allowed,
});

export const actionsOf = (allowed: readonly string[]) => [
  ...new Set(allowed.flatMap((one) => /^kafka-cluster:(\w+)(?= on )/.exec(one)?.[1] ?? [])),
];

/** The name of a function that is allowed all but one action. */
export const without = (name: string, action: string) => `${name}-without-${action}`;

export function identitiesOf(template: Template): Identity[] {
  return functionsOf(template).flatMap((view) => {
    const allowed = [...allowedBy(template, view)];
    const less = actionsOf(allowed).map((action) =>
      newIdentity(
        without(view.key, action),
        allowed.filter((one) => !one.startsWith(`kafka-cluster:${action} on `)),
      ),
    );
    return [newIdentity(view.key, allowed), ...less];
  });
}
