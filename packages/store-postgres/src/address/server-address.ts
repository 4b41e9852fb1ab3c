import { userInfo } from 'node:os';
import { DatabaseAddressError } from '../errors.js';
import { CONNECT_MILLISECONDS } from '../limits.js';
import { readPasswordFile } from './password-file.js';
import type { Settings } from './settings.js';
import { tlsOf, type TlsSettings } from './tls-settings.js';

const DEFAULT_PORT = '5432';

/** A server's database and how it is reached. Its secrets show in no log: they are private fields. */
export class ServerAddress {
  readonly kind = 'server';
  /** A name, an IP address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly applicationName: string;
  readonly connectMilliseconds: number;
  /** Command-line options for the server, `-c name=value`; PgBouncer takes none. */
  readonly options: string | undefined;
  readonly channelBinding: boolean;
  readonly #tls: TlsSettings;
  readonly #password: string | undefined;

  /** @throws DatabaseAddressError. */
  constructor(settings: Settings, environment: NodeJS.ProcessEnv) {
    this.host = settings.host ?? 'localhost';
    if (this.host.includes(',') || settings.port?.includes(',') === true)
      throw new DatabaseAddressError('it names several servers: give the one that takes writes');
    const port = settings.port ?? DEFAULT_PORT;
    this.port = Number(port);
    if (!/^\d{1,5}$/.test(port) || this.port < 1 || this.port > 65_535)
      throw new DatabaseAddressError('its port is not a number from 1 to 65535');
    this.user = settings.user ?? userInfo().username;
    this.database = settings.dbname ?? this.user;
    this.applicationName = settings.application_name ?? 'kimera';
    this.options = settings.options;
    this.connectMilliseconds = connectMilliseconds(settings.connect_timeout);
    this.channelBinding = settings.channel_binding !== 'disable';
    this.#tls = tlsOf(settings, this.host, environment);
    this.#password = settings.password ?? readPasswordFile(this, settings.passfile, environment);
  }

  /** For messages: without password and parameters. */
  get title(): string {
    const host = this.host.startsWith('/') ? encodeURIComponent(this.host) : this.host;
    const shown = host.includes(':') ? `[${host}]` : host;
    return `postgres://${encodeURIComponent(this.user)}@${shown}:${this.port}/${encodeURIComponent(this.database)}`;
  }

  get tls(): TlsSettings {
    return this.#tls;
  }

  get hasPassword(): boolean {
    return this.#password !== undefined;
  }

  /** Called by node-postgres where the server asks. */
  readonly password = (): string => {
    if (this.#password === undefined)
      throw new Error(
        'the server asks for a password, and there is none in the address, PGPASSWORD or a password file',
      );
    return this.#password;
  };
}

function connectMilliseconds(seconds: string | undefined): number {
  if (seconds === undefined) return CONNECT_MILLISECONDS;
  if (!/^-?\d+$/.test(seconds)) throw new DatabaseAddressError('its connect_timeout is not a whole number of seconds');
  // As with libpq, 0 and less is no limit, 1 is 2.
  return Number(seconds) <= 0 ? 0 : Math.max(2, Number(seconds)) * 1000;
}
