// Kafka's requests and answers on a socket, as far as logging in needs them. Layouts: Kafka's protocol guide.

import { Reader, Writer } from "@platformatic/kafka";

export const LIST_OFFSETS = 2;
export const API_VERSIONS = 18;
export const SASL_HANDSHAKE = 17;
export const CREATE_TOPICS = 19;
export const INIT_PRODUCER_ID = 22;
export const SASL_AUTHENTICATE = 36;

export const NO_ERROR = 0;
export const CLUSTER_AUTHORIZATION_FAILED = 31;
export const UNSUPPORTED_SASL_MECHANISM = 33;
export const SASL_AUTHENTICATION_FAILED = 58;

/** The frames that come, without their length. Ends where the socket does. */
export async function* framesOf(socket: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of socket) {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE()) {
      const end = 4 + held.readInt32BE();
      yield held.subarray(4, end);
      held = held.subarray(end);
    }
  }
}

export function framed(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

export interface RequestHeader {
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;
}

/** The header, and a reader that stands behind the client's id. */
export function readRequest(frame: Buffer): { header: RequestHeader; body: Reader } {
  const body = Reader.from(frame);
  const header = { apiKey: body.readInt16(), version: body.readInt16(), correlationId: body.readInt32() };
  body.readNullableString(false);
  return { header, body };
}

/** A request with Kafka's older, inflexible header. */
export function request(apiKey: number, version: number, correlationId: number, body: Writer): Buffer {
  const header = Writer.create().appendInt16(apiKey).appendInt16(version).appendInt32(correlationId);
  return framed(header.appendString("front", false).appendFrom(body).buffer);
}

/** What SaslAuthenticate's request carries; from version 2 on it is flexible. */
export function readAuthBytes({ version }: RequestHeader, body: Reader): Buffer {
  if (version >= 2) body.readTaggedFields();
  return body.readBytes(version >= 2);
}

export function handshakeAnswer({ correlationId }: RequestHeader, error: number, mechanism: string): Buffer {
  const answer = Writer.create().appendInt32(correlationId).appendInt16(error);
  return framed(answer.appendArray([mechanism], (w, one) => w.appendString(one, false), false, false).buffer);
}

/** @param lifetimeMs after which the client has to log in anew; sent from version 1 on */
export function authenticateAnswer(
  { version, correlationId }: RequestHeader,
  refusal: string | null,
  lifetimeMs: number,
): Buffer {
  const isFlexible = version >= 2;
  const answer = Writer.create().appendInt32(correlationId);
  if (isFlexible) answer.appendTaggedFields();
  answer.appendInt16(refusal === null ? NO_ERROR : SASL_AUTHENTICATION_FAILED);
  answer.appendString(refusal, isFlexible).appendBytes(Buffer.alloc(0), isFlexible);
  if (version >= 1) answer.appendInt64(BigInt(lifetimeMs));
  if (isFlexible) answer.appendTaggedFields();
  return framed(answer.buffer);
}

/** No producer's id for this one. From version 2 on the answer is flexible, which no client here asks for. */
export function noProducerIdAnswer({ correlationId }: RequestHeader): Buffer {
  const answer = Writer.create().appendInt32(correlationId).appendInt32(0);
  return framed(answer.appendInt16(CLUSTER_AUTHORIZATION_FAILED).appendInt64(-1n).appendInt16(-1).buffer);
}
