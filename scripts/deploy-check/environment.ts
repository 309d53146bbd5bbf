// The environment in which a stage is packaged to be looked at, not to be deployed.

/** Made-up parameters where the person has not set them yet: what is looked at does not depend on their values. */
export const environment = {
  ...process.env,
  JWT_ISSUER: process.env.JWT_ISSUER || "https://issuer.example.com",
  JWT_AUDIENCE: process.env.JWT_AUDIENCE || "smartgrid",
};
