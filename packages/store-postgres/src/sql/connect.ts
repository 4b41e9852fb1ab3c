import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import type { ServerAddress } from '../address/server-address.js';
import { connectionFailure } from './connection-failure.js';
import { sqlState } from './sql-state.js';

/** Answers that another encryption does not change: wrong password, no such user's right, no such database. */
const FINAL_STATES: ReadonlySet<string | undefined> = new Set(['28P01', '3D000', '42501']);

/**
 * What node-postgres needs, everything said, since it reads the environment where something is not. Nothing of it is a
 * setting of the session, which PgBouncer would refuse or share.
 */
export function clientConfig(address: ServerAddress, ssl: ConnectionOptions | false): pg.ClientConfig {
  const { host, port, user, database, password, applicationName, connectMilliseconds, options, tls } = address;
  return {
    host,
    port,
    user,
    database,
    password,
    ssl,
    sslnegotiation: ssl === false ? 'postgres' : tls.negotiation,
    enableChannelBinding: address.channelBinding,
    application_name: applicationName,
    client_encoding: 'utf8',
    connectionTimeoutMillis: connectMilliseconds,
    keepAlive: true,
    ...(options === undefined ? {} : { options }),
  };
}

/**
 * A connection, encrypted as the address asks, and how it was: in the modes `allow` and `prefer` what the server takes.
 * @throws StoreUnavailableError, StoreAccessError.
 */
export async function connect(
  address: ServerAddress,
  milliseconds = address.connectMilliseconds,
): Promise<{ readonly client: pg.Client; readonly ssl: ConnectionOptions | false }> {
  let first: unknown;
  for (const ssl of address.tls.attempts) {
    const client = new pg.Client({ ...clientConfig(address, ssl), connectionTimeoutMillis: milliseconds });
    // The error of an idle connection; a query under way fails by itself.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return { client, ssl };
    } catch (error) {
      await client.end().catch(() => undefined);
      first ??= error;
      const failure = connectionFailure(error, address.title);
      if (failure.kind === 'retryable' || FINAL_STATES.has(sqlState(error))) throw failure;
    }
  }
  throw connectionFailure(first, address.title);
}

/** How connections to this server are encrypted. @throws as {@link connect}. */
export async function chooseEncryption(address: ServerAddress): Promise<ConnectionOptions | false> {
  const [only, ...others] = address.tls.attempts;
  if (only !== undefined && others.length === 0) return only;
  const { client, ssl } = await connect(address);
  await client.end().catch(() => undefined);
  return ssl;
}
