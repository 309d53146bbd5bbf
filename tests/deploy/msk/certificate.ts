// A certificate for a name on this machine, which is its own authority: made by the tool that comes with Kafka's Java.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificate {
  /** PKCS 12, with the private key. */
  readonly pfx: Buffer;
  readonly passphrase: string;
  /** What a client has to trust: a file in PEM. */
  readonly file: string;
}

/** @throws Error with the tool's words where it fails */
export async function makeCertificate(folder: string, host: string): Promise<Certificate> {
  const [store, file, passphrase] = [join(folder, "front.p12"), join(folder, "front.pem"), "of-a-test"];
  const keytool = (args: readonly string[]) =>
    promisify(execFile)("keytool", [
      ...args,
      "-keystore",
      store,
      "-storepass",
      passphrase,
      "-alias",
      "front",
    ]);
  const extensions = ["-ext", "bc:critical=ca:true", "-ext", `san=dns:${host}`];
  await keytool([
    "-genkeypair",
    "-keyalg",
    "EC",
    "-storetype",
    "PKCS12",
    "-dname",
    `CN=${host}`,
    ...extensions,
  ]);
  await keytool(["-exportcert", "-rfc", "-file", file]);
  return { pfx: await readFile(store), passphrase, file };
}
