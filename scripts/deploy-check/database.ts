// Nobody logs in to the database with a password: neither its owner nor a function.

import { functionsOf, resourcesOf, type Template } from "./template.ts";

export function checkDatabase(template: Template): string[] {
  return [
    ...resourcesOf(template, "AWS::RDS::DBCluster").flatMap(([id, cluster]) => [
      ...(cluster.EnableIAMDatabaseAuthentication === true
        ? []
        : [
            `${id}: takes no logins by IAM, and functions have no other; set EnableIAMDatabaseAuthentication`,
          ]),
      ...(cluster.MasterUserAuthenticationType === "iam-db-auth"
        ? []
        : [`${id}: its owner has a password, which RDS refuses once the owner has made users with rds_iam`]),
    ]),
    ...functionsOf(template)
      .filter(({ environment: { POSTGRES_HOST: host, POSTGRES_AUTH: auth } }) => host && auth !== "iam")
      .map(({ key }) => `${key}: POSTGRES_AUTH has to be iam: the database's users have no passwords`),
  ];
}
