// What can be said of an error: its message, without stack.

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
