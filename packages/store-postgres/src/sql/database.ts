import { setTimeout as delay } from 'node:timers/promises';
import { ClosedError } from '@kimera/core';
import pg from 'pg';
import { Queryable } from './queryable.js';
import { BusyError } from '../errors.js';
import {
  CONNECT_MILLISECONDS,
  FIRST_PAUSE_MILLISECONDS,
  LOCK_MILLISECONDS,
  STATEMENT_MILLISECONDS,
  TRANSACTION_ATTEMPTS,
} from '../limits.js';
import { isContention } from './sql-state.js';

export interface DatabaseAddress {
  readonly connectionString: string;
  /** Connections at a time. */
  readonly connections: number;
}

/** A pool of connections; queries outside of a transaction are a transaction each. */
export class Database extends Queryable {
  readonly #pool: pg.Pool;
  #closed: Promise<void> | undefined;

  constructor({ connectionString, connections }: DatabaseAddress) {
    const pool = new pg.Pool({
      connectionString,
      max: connections,
      connectionTimeoutMillis: CONNECT_MILLISECONDS,
      statement_timeout: STATEMENT_MILLISECONDS,
      application_name: 'kimera',
    });
    // A connection that breaks while it is idle is replaced by the pool; without a listener it would end the process.
    pool.on('error', () => undefined);
    super({
      query: (query) => (this.#closed === undefined ? pool.query(query) : Promise.reject(new ClosedError('the store'))),
    });
    this.#pool = pool;
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

  async #connect(): Promise<pg.PoolClient> {
    if (this.#closed !== undefined) throw new ClosedError('the store');
    return this.#pool.connect();
  }

  async #once<T>(work: (sql: Queryable) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let broken: Error | undefined;
    // A server that ends the connection says so here; the query under way is rejected by itself.
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = ${LOCK_MILLISECONDS}`);
      const result = await work(new Queryable(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        broken = failure instanceof Error ? failure : new Error(String(failure), { cause: failure });
      });
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}
