// Reading one variable of the environment, or refusing it with its name, what it may hold, and what it holds.

import limits from "./limits.json" with { type: "json" };

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable (or a deployment's parameter) that is missing or holds something else than it may. Empty is missing. */
export class ConfigurationError extends Error {
  constructor(variable: string, expected: string, actual: string | undefined) {
    super(`${variable}: expected ${expected}, got ${actual ? JSON.stringify(actual) : "nothing"}`);
    this.name = "ConfigurationError";
  }
}

/** A variable that is set to the empty string counts as not set, as in `docker compose` and `serverless.yml`. */
export function text(env: Environment, variable: string, fallback?: string): string {
  const value = env[variable] || fallback;
  if (value === undefined) throw new ConfigurationError(variable, "a value", env[variable]);
  return value;
}

/** A number within limits.json: of a function, and of a deployment (infra/parameters.cjs), which gives it to functions. */
export function wholeNumber(env: Environment, variable: keyof typeof limits): number {
  const { usual, least, most } = limits[variable];
  const value = env[variable] || String(usual);
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most)
    throw new ConfigurationError(variable, `a whole number from ${least} to ${most}`, env[variable]);
  return number;
}

/** The function's name where it runs on AWS, for its metrics there; null on one machine, which has no CloudWatch. */
export function readDeployedName(env: Environment): string | null {
  // serverless-offline and `serverless invoke local` set the name as well, and say that they are not AWS.
  if (env.IS_OFFLINE || env.IS_LOCAL) return null;
  return env.AWS_LAMBDA_FUNCTION_NAME || null;
}
