/** A name as SQL quotes it. */
export function quoted(...path: readonly string[]): string {
  return path.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/** A string as SQL quotes it, for statements that take no values (definitions). */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
