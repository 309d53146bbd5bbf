// The environment in which a stage is packaged to be looked at, not to be deployed.

const MADE_UP = {
  JWT_ISSUER: "https://issuer.example.com",
  JWT_AUDIENCE: "smartgrid",
  ALARM_EMAIL: "alarms@example.com",
};

const missing = Object.entries(MADE_UP).filter(([name]) => !process.env[name]);

/** Variables that the person has not set yet, and that are made up: what is looked at does not depend on their values. */
export const madeUp: readonly string[] = missing.map(([name]) => name);

export const environment = { ...process.env, ...Object.fromEntries(missing) };
