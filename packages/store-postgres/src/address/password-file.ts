import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The password of libpq's password file (https://www.postgresql.org/docs/18/libpq-pgpass.html): lines of
 * `host:port:database:user:password`, `*` for any, `\` before `:` and `\`. A file that others may read is passed over,
 * as libpq does.
 */
export function readPasswordFile(
  { host, port, database, user }: { host: string; port: number; database: string; user: string },
  file: string | undefined,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  const path =
    file ??
    (process.platform === 'win32'
      ? join(environment['APPDATA'] ?? '', 'postgresql', 'pgpass.conf')
      : join(environment['HOME'] ?? homedir(), '.pgpass'));
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isFile() !== true || (process.platform !== 'win32' && (status.mode & 0o077) !== 0)) return undefined;
  const wanted = [host.startsWith('/') ? 'localhost' : host, String(port), database, user];
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    if (
      fields !== undefined &&
      wanted.every((value, i) => fields.place[i] === '*' || unescaped(fields.place[i]) === value)
    )
      return unescaped(fields.password);
  }
  return undefined;
}

function fieldsOf(line: string): { readonly place: readonly string[]; readonly password: string } | undefined {
  const found = /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.*)$/su.exec(line);
  return found === null ? undefined : { place: found.slice(1, 5), password: found[5] ?? '' };
}

function unescaped(text = ''): string {
  return text.replaceAll(/\\(.)/gsu, '$1');
}
