// What RDS does before PostgreSQL with IAM authentication: TLS is a must, the password is a token that is checked, and the
// role that has signed it must be allowed to be this very user. Behind it is a real PostgreSQL with RDS's line of
// pg_hba.conf (`+rds_iam`), so that PostgreSQL itself says who is a user with IAM.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { certificate } from "./certificate.ts";
import { type AccessKeys, readRdsToken } from "./presigned-token.ts";

export interface RdsFrontOptions {
  readonly postgresPort: number;
  readonly region: string;
  readonly keys: AccessKeys;
  /** IAM: whether the role may do `rds-db:connect` on this user. */
  isAllowed(principal: string, user: string): boolean;
}

export interface RdsFront {
  readonly host: string;
  readonly port: number;
  /** Who came in, with which signer. */
  readonly logins: readonly { readonly principal: string; readonly user: string }[];
  /** Why others did not: RDS tells its log, not the client. */
  readonly refusals: readonly string[];
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const SSL_REQUEST = 80_877_103;
const CLEARTEXT_PASSWORD = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]); // R: AuthenticationCleartextPassword
const AUTHENTICATION_OK = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);

class Refusal extends Error {}

async function take(stream: Duplex, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk: Buffer | null = stream.read(bytes);
    if (chunk?.length === bytes) return chunk;
    if (chunk !== null || stream.readableEnded || stream.destroyed) throw new Error("the connection ended");
    await once(stream, "readable");
  }
}

/** A message that begins with its length, without a letter before it. */
async function takeMessage(stream: Duplex): Promise<Buffer> {
  const length = await take(stream, 4);
  return Buffer.concat([length, await take(stream, length.readInt32BE() - 4)]);
}

/** StartupMessage: name, value, name, value, … each ended by a zero. */
function userOf(startup: Buffer): string {
  const texts = startup.subarray(8).toString().split("\0");
  return texts[texts.indexOf("user") + 1] ?? "";
}

function errorMessage(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.from([0x45, 0, 0, 0, 0]); // E
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** Logs in upstream, where a user with IAM needs nothing more, and no other user comes in. */
async function passOn(client: Duplex, startup: Buffer, postgresPort: number): Promise<void> {
  const upstream = connect(postgresPort, HOST);
  upstream.on("error", () => client.destroy());
  client.on("close", () => upstream.destroy());
  upstream.write(startup);
  const first = await take(upstream, AUTHENTICATION_OK.length);
  if (first[0] === 0x52 && !first.equals(AUTHENTICATION_OK)) {
    upstream.destroy();
    throw new Refusal(`${userOf(startup)} is no member of rds_iam: PostgreSQL asks for a password`);
  }
  client.write(first);
  client.pipe(upstream).pipe(client);
}

/** Listens on a free port. Close it after its clients. */
export async function startRdsFront(options: RdsFrontOptions): Promise<RdsFront> {
  const logins: { principal: string; user: string }[] = [];
  const refusals: string[] = [];
  const sockets = new Set<Socket>();
  let port = 0;

  function judge(token: string, user: string): string {
    const read = readRdsToken(token, options.keys, Date.now());
    if (read.host !== `${HOST}:${port}`) throw new Refusal(`the token is for ${read.host}`);
    if (read.region !== options.region) throw new Refusal(`the token is for the region ${read.region}`);
    const signedUser = read.parameters.get("DBUser");
    if (signedUser !== user) throw new Refusal(`the token is for ${signedUser}, not ${user}`);
    if (!options.isAllowed(read.principal, user))
      throw new Refusal(`the role of ${read.principal} does not allow rds-db:connect on ${user}`);
    return read.principal;
  }

  async function serve(socket: Socket): Promise<void> {
    const first = await takeMessage(socket);
    if (first.readInt32BE(4) !== SSL_REQUEST) {
      refusals.push(`${userOf(first)}: without TLS`);
      const reason = `pg_hba.conf rejects connection for user "${userOf(first)}", no encryption`;
      socket.end(errorMessage("28000", reason));
      return;
    }
    socket.write("S");
    const client = new TLSSocket(socket, { isServer: true, ...certificate });
    client.on("error", () => socket.destroy()); // e.g. a client that does not trust the certificate
    const startup = await takeMessage(client);
    const user = userOf(startup);
    client.write(CLEARTEXT_PASSWORD);
    await take(client, 1);
    const password = (await takeMessage(client)).subarray(4, -1).toString();
    try {
      const principal = judge(password, user);
      await passOn(client, startup, options.postgresPort);
      logins.push({ principal, user });
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error));
      client.end(errorMessage("28000", `PAM authentication failed for user "${user}"`));
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    serve(socket).catch(() => socket.destroy()); // a client that left before it had logged in
  });
  await new Promise<void>((done) => server.listen(0, HOST, done));
  const address = server.address();
  port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    host: HOST,
    port,
    logins,
    refusals,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
