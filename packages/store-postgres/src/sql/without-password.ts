/** A database's address for messages; one that is no URL is not repeated, since it may hold a password. */
export function withoutPassword(connectionString: string): string {
  if (!URL.canParse(connectionString)) return '(not a URL)';
  const url = new URL(connectionString);
  url.password = '';
  return url.href;
}
