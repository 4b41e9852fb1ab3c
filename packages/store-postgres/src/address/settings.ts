import { DatabaseAddressError } from '../errors.js';

/** Parameters that are read, with the environment variable that libpq takes where one is not given. */
const READ = {
  host: 'PGHOST',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  options: 'PGOPTIONS',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  sslnegotiation: 'PGSSLNEGOTIATION',
  channel_binding: 'PGCHANNELBINDING',
} as const satisfies Record<string, string | undefined>;

export type SettingName = keyof typeof READ;
export type Settings = Readonly<Partial<Record<SettingName, string>>>;

/** Parameters that change nothing here: of other programs that share the address, or what node-postgres does anyway. */
const IGNORED: ReadonlySet<string> = new Set([
  'client_encoding', // always UTF-8
  'connection_limit', // Prisma
  'fallback_application_name',
  'gssencmode', // node-postgres has no GSSAPI
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'pgbouncer', // Prisma; everything here runs through PgBouncer
  'pool_timeout', // Prisma
  'schema', // Prisma: of the application's own tables
  'ssl',
  'sslcompression',
  'sslsni',
  'statement_cache_size', // asyncpg
  'supa', // Supabase
  'tcp_user_timeout',
  'uselibpqcompat', // node-postgres: here always
]);

/** Values of target_session_attrs: a server that takes writes is needed in any case. */
const WRITABLE: ReadonlySet<string> = new Set(['any', 'read-write', 'primary']);

/** Names of every parameter that an address may have. */
export const PARAMETERS: ReadonlySet<string> = new Set([...Object.keys(READ), ...IGNORED, 'hostaddr', 'service']);

function isRead(name: string): name is SettingName {
  return Object.hasOwn(READ, name);
}

/**
 * What an address says, and where it is silent the environment. Empty values count as absent, as with libpq.
 * @param mayNameParameters whether an unknown name can be repeated: it is no part of a password. @throws
 * DatabaseAddressError.
 */
export function settingsOf(
  given: Iterable<readonly [string, string]>,
  environment: NodeJS.ProcessEnv,
  mayNameParameters: boolean,
): Settings {
  const settings: Partial<Record<SettingName, string>> = {};
  for (const [name, variable] of Object.entries(READ)) {
    const value = variable === undefined ? undefined : environment[variable];
    if (value !== undefined && value !== '' && isRead(name)) settings[name] = value;
  }
  const all = new Map([...given].filter(([name, value]) => value !== '' || !PARAMETERS.has(name)));
  // node-postgres and JDBC have a parameter of their own.
  const ssl = all.get('ssl');
  if (ssl !== undefined) settings.sslmode = ssl === 'true' || ssl === '1' ? 'require' : 'disable';
  for (const [name, value] of all) {
    if (isRead(name)) settings[name] = value;
    else if (!IGNORED.has(name) && !(name === 'target_session_attrs' && WRITABLE.has(value))) {
      const named =
        mayNameParameters && /^[a-z_]{1,40}$/.test(name) ? `its parameter ${name}` : 'one of its parameters';
      throw new DatabaseAddressError(`${named} is not known here; known are ${Object.keys(READ).join(', ')}`);
    }
  }
  return settings;
}
