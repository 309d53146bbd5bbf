// A deployment to the mock AWS of deploy:check can become no real one, whatever the person's environment names.

import { devNull } from "node:os";
import { expect, test } from "vitest";
import { mockEnvironment } from "../../../commands/deploy-check/mock-aws.ts";

test("nothing of the person's AWS gets to the mock's deployment", () => {
  const person = {
    PATH: "/usr/bin",
    JWT_ISSUER: "https://issuer.example.org",
    AWS_PROFILE: "production",
    AWS_REGION: "us-east-1",
    AWS_CONFIG_FILE: "/home/person/.aws/config",
    AWS_ACCESS_KEY_ID: "AKIA",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "token",
    AWS_ENDPOINT_URL: "https://aws.example.org",
    AWS_ENDPOINT_URL_CLOUDFORMATION: "https://cloudformation.eu-central-1.amazonaws.com",
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true",
  };
  expect(mockEnvironment(person, "http://127.0.0.1:4000")).toEqual({
    PATH: "/usr/bin",
    JWT_ISSUER: "https://issuer.example.org",
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_ENDPOINT_URL: "http://127.0.0.1:4000",
    AWS_ACCESS_KEY_ID: "mock",
    AWS_SECRET_ACCESS_KEY: "mock",
  });
});
