import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates, type ConnectionOptions } from 'node:tls';
import { DatabaseAddressError } from '../errors.js';
import type { Settings } from './settings.js';

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type Mode = (typeof MODES)[number];
/** `no-verify` is node-postgres' word for what libpq calls `require`. */
const MODE_OF: ReadonlyMap<string, Mode> = new Map([
  ...MODES.map((mode) => [mode, mode] as const),
  ['no-verify', 'require'],
]);

/** What to try, in this order: without encryption, or with these options. */
export interface TlsSettings {
  readonly mode: Mode;
  readonly attempts: readonly (ConnectionOptions | false)[];
  readonly negotiation: 'postgres' | 'direct';
}

/**
 * TLS as libpq means it (https://www.postgresql.org/docs/18/libpq-ssl.html): by default encrypted where the server can;
 * the certificate is checked where there is a root certificate, and must be in the modes `verify-ca` and `verify-full`,
 * the host's name in `verify-full` alone. @throws DatabaseAddressError.
 */
export function tlsOf(settings: Settings, host: string, environment: NodeJS.ProcessEnv): TlsSettings {
  const usesSystem = settings.sslrootcert === 'system';
  const mode = MODE_OF.get(settings.sslmode ?? (usesSystem ? 'verify-full' : 'prefer'));
  if (mode === undefined) throw new DatabaseAddressError(`its sslmode is not one of ${MODES.join(', ')}`);
  const negotiation = settings.sslnegotiation ?? 'postgres';
  if (negotiation !== 'postgres' && negotiation !== 'direct')
    throw new DatabaseAddressError('its sslnegotiation is neither postgres nor direct');
  const isOptional = mode === 'disable' || mode === 'allow' || mode === 'prefer';
  if (negotiation === 'direct' && isOptional)
    throw new DatabaseAddressError('sslnegotiation=direct needs sslmode=require or one that verifies');
  if (usesSystem && mode !== 'verify-full')
    throw new DatabaseAddressError('sslrootcert=system needs sslmode=verify-full');
  // A socket's file is as safe as the machine.
  if (mode === 'disable' || host.startsWith('/')) return { mode, attempts: [false], negotiation: 'postgres' };
  const options = optionsOf(mode, settings, environment);
  return { mode, attempts: attemptsOf(mode, options), negotiation };
}

function attemptsOf(mode: Mode, options: ConnectionOptions): readonly (ConnectionOptions | false)[] {
  if (mode === 'allow') return [false, options];
  return mode === 'prefer' ? [options, false] : [options];
}

function optionsOf(mode: Mode, settings: Settings, environment: NodeJS.ProcessEnv): ConnectionOptions {
  const own = (name: string): string | undefined => {
    const path = join(environment['HOME'] ?? homedir(), '.postgresql', name);
    return existsSync(path) ? path : undefined;
  };
  const root = settings.sslrootcert ?? own('root.crt');
  const verifies = mode === 'verify-ca' || mode === 'verify-full';
  if (verifies && root === undefined)
    throw new DatabaseAddressError(
      `sslmode=${mode} needs a root certificate: give sslrootcert=FILE, or sslrootcert=system for the certificates that Node brings`,
    );
  const certificate = settings.sslcert ?? own('postgresql.crt');
  const key = settings.sslkey ?? (certificate === undefined ? undefined : own('postgresql.key'));
  return {
    ...(root === undefined
      ? { rejectUnauthorized: false }
      : { ca: root === 'system' ? [...rootCertificates] : contents('sslrootcert', root), rejectUnauthorized: true }),
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(certificate === undefined ? {} : { cert: contents('sslcert', certificate) }),
    ...(key === undefined ? {} : { key: contents('sslkey', key) }),
    ...(settings.sslpassword === undefined ? {} : { passphrase: settings.sslpassword }),
  };
}

function contents(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DatabaseAddressError(`the file of its ${name} cannot be read`, { cause });
  }
}
