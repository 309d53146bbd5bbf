// Nobody logs in to the database with a password, neither its owner nor a function; its logs end, and slow statements are in
// them without values.

import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { functionsOf, resourcesOf, type Template } from "./template.ts";

/** RDS writes a log into the group of its name, and makes that without a retention where it is not there. */
function checkLogs(template: Template, id: string, cluster: Properties): string[] {
  const before = [template.Resources[id]?.DependsOn].flat();
  const groups = resourcesOf(template, "AWS::Logs::LogGroup")
    .filter(([groupId]) => before.includes(groupId))
    .map(([, { LogGroupName }]) => String(LogGroupName));
  return [cluster.EnableCloudwatchLogsExports ?? []]
    .flat()
    .map((log) => `/aws/rds/cluster/${String(cluster.DBClusterIdentifier)}/${String(log)}`)
    .filter((name) => !groups.includes(name))
    .map((name) => `${id}: its log ${name} is kept for ever; make the group before it, with a retention`);
}

/** Else readings are in the log: with a slow statement, or in an error's detail ("Failing row contains …"). */
const LOGGED_WITHOUT_VALUES = { log_parameter_max_length: "0", log_error_verbosity: "terse" };

function checkParameters(template: Template): string[] {
  return resourcesOf(template, "AWS::RDS::DBClusterParameterGroup").flatMap(([id, { Parameters: set }]) =>
    Object.entries(LOGGED_WITHOUT_VALUES)
      .filter(([name, value]) => !isProperties(set) || set[name] !== value)
      .map(([name, value]) => `${id}: readings get into the log; set ${name} to ${value}`),
  );
}

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
      ...checkLogs(template, id, cluster),
    ]),
    ...checkParameters(template),
    ...functionsOf(template)
      .filter(({ environment: { POSTGRES_HOST: host, POSTGRES_AUTH: auth } }) => host && auth !== "iam")
      .map(({ key }) => `${key}: POSTGRES_AUTH has to be iam: the database's users have no passwords`),
  ];
}
