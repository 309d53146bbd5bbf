// The certificate of what stands for MSK and RDS: for both names of this machine, its own authority, for a hundred years.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

const fileOf = (name: string) => join(import.meta.dirname, "tls", name);

/** What a client has to trust, in PEM. */
export const caFile = fileOf("server.crt");
/** For a server of TLS. */
export const certificate = { cert: await readFile(caFile), key: await readFile(fileOf("server.key")) };
