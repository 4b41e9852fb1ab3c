/** What a runtime threw, in words: not all of them throw errors. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
