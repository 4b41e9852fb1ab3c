import { setTimeout as delay } from 'node:timers/promises';
import { ClosedError } from '@kimera/core';
import pg, { type QueryConfig, type QueryResult } from 'pg';
import { Queryable, type PgClient } from './queryable.js';
import { BusyError, StoreUnavailableError } from '../errors.js';
import {
  CONNECT_MILLISECONDS,
  FIRST_PAUSE_MILLISECONDS,
  LOCK_MILLISECONDS,
  STATEMENT_MILLISECONDS,
  TRANSACTION_ATTEMPTS,
} from '../limits.js';
import { connectionFailure, statementFailure } from './connection-failure.js';
import { isContention } from './sql-state.js';

export interface DatabaseAddress {
  readonly connectionString: string;
  /** Without the password, for messages. */
  readonly address: string;
  /** Connections at a time. */
  readonly connections: number;
}

/**
 * A pool of connections; queries outside of a transaction are a transaction each. @throws StoreUnavailableError where
 * the connection or the server goes, StoreAccessError where the server lets no connection in.
 */
export class Database extends Queryable {
  readonly #pool: pg.Pool;
  readonly #address: string;
  #closed: Promise<void> | undefined;

  constructor({ connectionString, address, connections }: DatabaseAddress) {
    const pool = new pg.Pool({
      connectionString,
      max: connections,
      connectionTimeoutMillis: CONNECT_MILLISECONDS,
      statement_timeout: STATEMENT_MILLISECONDS,
      application_name: 'kimera',
    });
    // A connection that breaks while it is idle is replaced by the pool; without a listener it would end the process.
    pool.on('error', () => undefined);
    super({ query: (query) => this.#single(query) });
    this.#pool = pool;
    this.#address = address;
  }

  /**
   * READ COMMITTED; rolled back where `work` fails. Where another transaction stands in the way for longer than
   * {@link LOCK_MILLISECONDS}, `work` runs again from the start, {@link TRANSACTION_ATTEMPTS} times at most. Inside, only `sql` may be used: on the embedded database any other query would wait for
   * this transaction.
   * @throws BusyError, what `work` throws.
   */
  async transaction<T>(work: (sql: Queryable) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (!isContention(error)) throw error;
        if (attempt === TRANSACTION_ATTEMPTS)
          throw new BusyError(TRANSACTION_ATTEMPTS, error instanceof Error ? error.message : String(error), {
            cause: error,
          });
        await delay(FIRST_PAUSE_MILLISECONDS * 2 ** attempt * (0.5 + Math.random()));
      }
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  #single(query: QueryConfig<unknown[]>): Promise<QueryResult> {
    return this.#connected((client) => client.query(query));
  }

  #once<T>(work: (sql: Queryable) => Promise<T>): Promise<T> {
    return this.#connected(async (client, rollback) => {
      try {
        await client.query({
          text: `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = ${LOCK_MILLISECONDS}`,
        });
        const result = await work(new Queryable(client));
        await client.query({ text: 'COMMIT' });
        return result;
      } catch (error) {
        await rollback();
        throw error;
      }
    });
  }

  /** With a connection that goes back to the pool, or is thrown away where it broke. `rollback` never fails. */
  async #connected<T>(work: (client: PgClient, rollback: () => Promise<void>) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new ClosedError('the store');
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw connectionFailure(error, this.#address);
    });
    let broken: Error | undefined;
    // A server that ends the connection says so here; the query under way is rejected by itself.
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    const query = (config: QueryConfig<unknown[]>): Promise<QueryResult> =>
      client.query(config).catch((error: unknown) => {
        const failure = statementFailure(error, this.#address);
        if (failure instanceof StoreUnavailableError) broken = failure;
        throw failure;
      });
    const rollback = async (): Promise<void> => {
      await client.query('ROLLBACK').catch(onError);
    };
    try {
      return await work({ query }, rollback);
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}
