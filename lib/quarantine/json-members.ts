// Where the members of a JSON object stand in its text, so that one can be changed and all others keep every digit:
// JSON.parse would round 1234567890123456789. For text that JSON.parse has taken. Pure.

/** A member's name, and the span of its value in the text. */
export interface Member {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface Members {
  readonly members: readonly Member[];
  /** Where the closing brace stands. */
  readonly end: number;
}

function afterSpace(text: string, at: number): number {
  let i = at;
  while (" \t\n\r".includes(text.charAt(i)) && i < text.length) i++;
  return i;
}

function afterString(text: string, at: number): number {
  let i = at + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

function afterValue(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; ) {
    const sign = text.charAt(i);
    if (sign === '"') {
      i = afterString(text, i);
      if (depth === 0) return i;
      continue;
    }
    if (sign === "{" || sign === "[") depth++;
    else if (depth === 0 && ",}] \t\n\r".includes(sign)) return i;
    else if (sign === "}" || sign === "]") depth--;
    i++;
    if (depth === 0 && (sign === "}" || sign === "]")) return i;
  }
  return text.length;
}

/** @param at where the object begins, or white space before it */
export function membersOf(text: string, at: number): Members {
  const members: Member[] = [];
  let i = afterSpace(text, afterSpace(text, at) + 1);
  while (text[i] !== "}") {
    const nameEnd = afterString(text, i);
    const name: string = JSON.parse(text.slice(i, nameEnd));
    const from = afterSpace(text, afterSpace(text, nameEnd) + 1); // behind the colon
    const to = afterValue(text, from);
    members.push({ name, from, to });
    i = afterSpace(text, to);
    if (text[i] === ",") i = afterSpace(text, i + 1);
  }
  return { members, end: i };
}
