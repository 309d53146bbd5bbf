// A packaged CloudFormation template as data: its resources, and what their intrinsic functions come to, with made-up
// values in AWS's form where only a deployment would tell.

import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";

export interface Resource {
  readonly Type: string;
  readonly Properties?: Properties;
  readonly DependsOn?: unknown;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Properties;
}

export const ACCOUNT = "123456789012";
/** Made up like the account, as far as the template does not name its region itself. */
export const REGION = "eu-central-1";

const pseudoParameters: Readonly<Record<string, string>> = {
  "AWS::AccountId": ACCOUNT,
  "AWS::Partition": "aws",
  "AWS::Region": REGION,
  "AWS::StackId": `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/made-up/0`,
  "AWS::StackName": "made-up",
  "AWS::URLSuffix": "amazonaws.com",
};

export const isPseudoParameter = (name: string) => name in pseudoParameters || name === "AWS::NoValue";

export function resourcesOf(template: Template, type: string): [id: string, properties: Properties][] {
  return Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => [id, resource.Properties ?? {}]);
}

function refOf(template: Template, name: string): string {
  const type = template.Resources[name]?.Type ?? "";
  if (type.startsWith("AWS::MSK::"))
    return `arn:aws:kafka:${REGION}:${ACCOUNT}:cluster/${name}/00000000-0000-4000-8000-000000000000-${type.includes("Serverless") ? "s1" : "2"}`;
  return pseudoParameters[name] ?? name;
}

function attributeOf(id: string, attribute: string, template: Template): string {
  const service = template.Resources[id]?.Type === "AWS::SQS::Queue" ? "sqs" : "made-up";
  return attribute === "Arn" ? `arn:aws:${service}:${REGION}:${ACCOUNT}:${id}` : `${id}.${attribute}`;
}

function joined(template: Template, argument: unknown): unknown {
  if (!Array.isArray(argument)) return undefined;
  const [separator, parts] = argument.map((one: unknown) => resolve(template, one));
  return Array.isArray(parts) ? parts.join(String(separator)) : undefined;
}

/** Replaces Ref, GetAtt, Sub, Join and Split, at any depth; other functions stay as they are. */
export function resolve(template: Template, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => resolve(template, one));
  if (!isProperties(value)) return value;
  const [name = "", ...more] = Object.keys(value);
  const argument = value[name];
  if (more.length === 0 && name === "Ref") return refOf(template, String(argument));
  if (more.length === 0 && name === "Fn::GetAtt" && Array.isArray(argument))
    return attributeOf(String(argument[0]), argument.slice(1).join("."), template);
  if (more.length === 0 && name === "Fn::Join") return joined(template, argument);
  if (more.length === 0 && name === "Fn::Split" && Array.isArray(argument))
    return String(resolve(template, argument[1])).split(String(argument[0]));
  if (more.length === 0 && name === "Fn::Sub" && typeof argument === "string")
    return argument.replaceAll(/\$\{([^!}.]+)\}/g, (_, id: string) => refOf(template, id));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(template, one)]));
}

export interface FunctionView {
  /** Key in serverless.yml and folder in functions/. */
  readonly key: string;
  readonly id: string;
  readonly properties: Properties;
  /** Its variables, with made-up values where only a deployment would tell. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Whether a value, at any depth, refers to a function by its id. */
export const refersTo = (value: unknown, { id }: FunctionView): boolean =>
  JSON.stringify(value ?? null).includes(`"${id}"`);

/** The functions, with their keys by the folder that their handler is in. */
export function functionsOf(template: Template): FunctionView[] {
  return resourcesOf(template, "AWS::Lambda::Function").map(([id, properties]) => {
    const { Environment } = properties;
    const variables = resolve(template, isProperties(Environment) ? Environment.Variables : {});
    return {
      key: /^dist\/functions\/([^/]+)\//.exec(String(properties.Handler))?.[1] ?? id,
      id,
      properties,
      environment: Object.fromEntries(
        Object.entries(isProperties(variables) ? variables : {}).map(([name, value]) => [
          name,
          String(value),
        ]),
      ),
    };
  });
}
