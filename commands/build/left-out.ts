// Parts of packages that no function calls and esbuild cannot shake off, for they are CommonJS: the bundles have a
// module in their place that throws when it is asked for anything. Whoever calls more adds it here; where a package has
// moved its files, nothing is left out and the limit of a bundle's size says so (commands/deploy-check/bundles.ts).

import { readFile } from "node:fs/promises";
import { basename, dirname, relative } from "node:path";
import type { Plugin } from "esbuild";

/** kafkajs's folders of the requests that lib/kafka leads to; the other half are a consumer's and an administrator's. */
const KAFKA_REQUESTS = [
  "apiVersions",
  "createTopics",
  "findCoordinator",
  "initProducerId",
  "listOffsets",
  "metadata",
  "offsetFetch",
  "produce",
  "saslAuthenticate",
  "saslHandshake",
];

const UNUSED_PARTS = [
  /\/kafkajs\/src\/consumer\/index\.js$/, // lib/kafka reads by offsets, with another client (archive.ts)
  /\/kafkajs\/src\/broker\/saslAuthenticator\/scram\d+\.js$/, // lib/kafka signs in with IAM only
  /\/pg\/lib\/native\/index\.js$/, // a client in C that nobody has installed
];

const isLeftOut = (path: string) =>
  UNUSED_PARTS.some((part) => part.test(path)) ||
  (/\/kafkajs\/src\/protocol\/requests\/[^/]+\/index\.js$/.test(path) &&
    !KAFKA_REQUESTS.includes(basename(dirname(path))));

export function leaveOut(root: string): Plugin {
  return {
    name: "leave-out",
    setup({ onLoad }) {
      // Of its package.json, kafkajs reads where to report its bugs.
      onLoad({ filter: /\/node_modules\/kafkajs\/package\.json$/ }, async ({ path }) => {
        const { bugs } = JSON.parse(await readFile(path, "utf8"));
        return { contents: JSON.stringify({ bugs }), loader: "json" };
      });
      onLoad({ filter: /\/node_modules\/(kafkajs|pg)\// }, ({ path }) => {
        if (!isLeftOut(path)) return undefined;
        const text = `${relative(root, path)}: left out by commands/build/left-out.ts`;
        const refuse = `() => { throw Error(${JSON.stringify(text)}); }`;
        return { contents: `module.exports = new Proxy(${refuse}, { get: (f) => f() });` };
      });
    },
  };
}
