// Text from outside as a terminal may show it: nothing in it can move the cursor or colour the screen. Pure.

/** Control characters, and what is no UTF-8, as visible signs. */
export function printable(text: string): string {
  return text.replaceAll(
    /\p{C}/gu,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

/** In quotation marks, so that its ends are seen. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

/** JSON, indented; the same signs stand escaped in its strings, so that it is still the same document. */
export function printableJson(document: unknown): string {
  return JSON.stringify(document, null, 2).replaceAll(/[^\P{C}\n]/gu, (sign) =>
    sign
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
