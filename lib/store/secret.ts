// A user of the database, as Secrets Manager keeps it.

export interface DatabaseUser {
  readonly username: string;
  readonly password: string;
}

/** @throws Error where the secret cannot be read or is not of the form that RDS and we write */
export async function readSecret(arn: string): Promise<DatabaseUser> {
  // Loaded only here: the SDK's client takes longer to load than everything else in an aggregating function.
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient({});
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    const { username, password }: Partial<DatabaseUser> = JSON.parse(SecretString ?? "{}");
    if (typeof username !== "string" || typeof password !== "string")
      throw new Error(`secret ${arn}: expected JSON with the texts username and password`);
    return { username, password };
  } finally {
    client.destroy();
  }
}
