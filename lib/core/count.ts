// Numbers of things in sentences.

/** `1 row`, `2 rows`. @param many where it is not the word with an s */
export function countOf(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
