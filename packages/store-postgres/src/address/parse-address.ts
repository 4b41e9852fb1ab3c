import { resolve } from 'node:path';
import { DatabaseAddressError } from '../errors.js';
import { looksLikeKeywords, parseKeywordString } from './keyword-string.js';
import { ServerAddress } from './server-address.js';
import { PARAMETERS, settingsOf, type Settings } from './settings.js';

/** A folder, of an embedded database. */
export interface FolderAddress {
  readonly kind: 'folder';
  /** Absolute. */
  readonly folder: string;
}

/** What an address may depend on beside its text. */
export interface AddressSurroundings {
  readonly environment?: NodeJS.ProcessEnv;
  /** Where relative folders start; the process' by default. */
  readonly folder?: string;
}

const HOW = 'write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and ./NAME for a folder';
const ENCODE = 'in user and password write %40 for @, %2F for /, %3A for :, %3F for ?, %23 for # and %25 for %';

/**
 * A server's address as libpq reads it, `postgres://…`, `postgresql://…` or `host=… dbname=…`, with its environment
 * (PGHOST, PGPASSFILE …), or a folder. What looks like an address and is none is no folder: its name would be a
 * password. Messages repeat nothing of it.
 * @throws DatabaseAddressError.
 */
export function parseDatabaseAddress(
  text: string,
  { environment = process.env, folder = process.cwd() }: AddressSurroundings = {},
): ServerAddress | FolderAddress {
  if (/^postgres(ql)?:\/\//.test(text)) return new ServerAddress(settingsOfUrl(text, environment), environment);
  if (/^\.{0,2}[/\\]|^\.{1,2}$|^[A-Za-z]:[/\\]/.test(text)) return { kind: 'folder', folder: resolve(folder, text) };
  if (looksLikeKeywords(text, PARAMETERS))
    return new ServerAddress(settingsOf(parseKeywordString(text), environment, false), environment);
  if (text.includes('://'))
    throw new DatabaseAddressError(`it is a URL, but not one of postgres:// or postgresql://: ${HOW}`);
  if (/[=@:]/.test(text)) throw new DatabaseAddressError(`it looks like the address of a server and is none: ${HOW}`);
  if (text.trim() === '') throw new DatabaseAddressError(`it is empty: ${HOW}`);
  return { kind: 'folder', folder: resolve(folder, text) };
}

function settingsOfUrl(text: string, environment: NodeJS.ProcessEnv): Settings {
  // Without a user, where the host is given as a parameter or by the environment, URL wants a host all the same.
  const [, scheme = '', authority = '', rest = ''] = /^(postgres(?:ql)?:\/\/)([^/?#]*)(.*)$/su.exec(text) ?? [];
  const hasHost = !/(^|@)(:\d*)?$/.test(authority);
  const whole = hasHost ? text : `${scheme}${authority.replace(/(^|@)(?=(:\d*)?$)/, '$1none')}${rest}`;
  if (!URL.canParse(whole)) throw new DatabaseAddressError(`it is not a URL: ${ENCODE}`);
  const url = new URL(whole);
  if (url.hash !== '' || url.pathname.slice(1).includes('/') || url.pathname.includes('@'))
    throw new DatabaseAddressError(`a # or / or @ stands where none may stand: ${ENCODE}`);
  const given: [string, string][] = [
    ['user', decoded(url.username)],
    ['password', decoded(url.password)],
    ['host', hasHost ? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1') : ''],
    ['port', url.port],
    ['dbname', decoded(url.pathname.slice(1))],
    // A + is a +, as with libpq.
    ...url.search
      .slice(1)
      .split('&')
      .filter((part) => part !== '')
      .map((part): [string, string] => {
        const [, name = '', value = ''] = /^([^=]*)=?(.*)$/su.exec(part) ?? [];
        return [decoded(name), decoded(value)];
      }),
  ];
  return settingsOf(given, environment, authority.includes('@'));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseAddressError(`a % stands before what are not two hexadecimal digits: ${ENCODE}`);
  }
}
