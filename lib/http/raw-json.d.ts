// What Node has since version 21, and TypeScript does not know yet: https://github.com/tc39/proposal-json-parse-with-source.

interface JSON {
  /** An object that `JSON.stringify` writes as this text. */
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}
