/**
 * A database's address for messages. Parameters go too, since pg takes passwords there; what is no URL is not repeated,
 * since it may hold one.
 */
export function withoutPassword(connectionString: string): string {
  if (!URL.canParse(connectionString)) return '(not a URL)';
  const url = new URL(connectionString);
  url.password = '';
  url.search = '';
  return url.href;
}
