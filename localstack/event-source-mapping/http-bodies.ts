// Bodies of HTTP requests on their way to functions. serverless-offline decodes them as UTF-8 itself, whatever they are,
// and a function could not tell Müller from Möller in latin-1. What it takes for binary it hands over in base64, so with
// `custom.httpBodies: base64` all requests are called binary. A function still sees the header that was sent.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

const CHANNEL = "http.server.request.start";

function isStart(message: unknown): message is { readonly request: IncomingMessage } {
  return typeof message === "object" && message !== null && "request" in message;
}

/** @param port of serverless-offline's HTTP server, in this process @returns ends it */
export function handOverBytes(port: number): () => void {
  const onStart = (message: unknown) => {
    if (!isStart(message) || message.request.socket.localPort !== port) return;
    // serverless-offline asks `headers` which encoding a body has, and makes the event of `rawHeaders`.
    message.request.headers["content-type"] = "application/octet-stream";
  };
  subscribe(CHANNEL, onStart);
  return () => unsubscribe(CHANNEL, onStart);
}
