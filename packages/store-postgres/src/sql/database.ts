import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { ClosedError } from '@kimera/core';
import pg, { type QueryConfig, type QueryResult } from 'pg';
import type { ServerAddress } from '../address/server-address.js';
import { BusyError, MissingRightError, StatementCanceledError, StoreUnavailableError } from '../errors.js';
import {
  CANCEL_MILLISECONDS,
  FIRST_LOCK_MILLISECONDS,
  FIRST_PAUSE_MILLISECONDS,
  LOCK_MILLISECONDS,
  STATEMENT_MILLISECONDS,
  TRANSACTION_ATTEMPTS,
} from '../limits.js';
import { cancelStatement } from './cancel-statement.js';
import { chooseEncryption, clientConfig } from './connect.js';
import { liftLimit, restoreLimit } from './lift-limit.js';
import { connectionFailure, connectionReason, statementFailure } from './connection-failure.js';
import { missingRights } from './missing-rights.js';
import type { Pgvector } from './pgvector.js';
import { Queryable, type PgClient } from './queryable.js';
import { INSUFFICIENT_PRIVILEGE, isContention, QUERY_CANCELED, sqlState } from './sql-state.js';

export interface DatabaseOptions {
  /** Connections at a time. */
  readonly connections: number;
  /** How long a statement may take; {@link STATEMENT_MILLISECONDS} by default. */
  readonly statementMilliseconds?: number;
}

interface TransactionOptions {
  /** Of errors: whether the same work may succeed when it is run again. Default: another transaction stood in the way. */
  readonly isPassing?: (error: unknown) => boolean;
  /** Milliseconds; default {@link LOCK_MILLISECONDS}. */
  readonly longestLock?: number;
  /** Default {@link TRANSACTION_ATTEMPTS}. */
  readonly attempts?: number;
}

/**
 * A pool of connections; queries outside of a transaction are a transaction each. Nothing is set for longer than a
 * transaction, so that PgBouncer may hand each of them to another connection.
 * @throws StoreUnavailableError where the connection or the server goes, StoreAccessError where the server lets no
 * connection in, MissingRightError, StatementCanceledError.
 */
export class Database extends Queryable {
  readonly #pool: pg.Pool;
  readonly #statementMilliseconds: number;
  /** Statements that the role may not run, by their errors. */
  readonly #denied = new WeakMap<object, string>();
  #pgvector: Pgvector | undefined;
  #closed: Promise<void> | undefined;

  /** @throws StoreUnavailableError, StoreAccessError. */
  static async open(address: ServerAddress, options: DatabaseOptions): Promise<Database> {
    return new Database(address, await chooseEncryption(address), options);
  }

  private constructor(
    private readonly address: ServerAddress,
    ssl: ConnectionOptions | false,
    { connections, statementMilliseconds = STATEMENT_MILLISECONDS }: DatabaseOptions,
  ) {
    super({ query: (query) => this.#single(query) }, () => {
      if (this.#pgvector === undefined) throw new Error('the schema comes first: ensureSchema');
      return this.#pgvector;
    });
    this.#statementMilliseconds = statementMilliseconds;
    this.#pool = new pg.Pool({ ...clientConfig(address, ssl), max: connections });
    // A connection that breaks while it is idle is replaced by the pool; without a listener it would end the process.
    this.#pool.on('error', () => undefined);
  }

  /** As found at opening. */
  usePgvector(pgvector: Pgvector): void {
    this.#pgvector = pgvector;
  }

  /**
   * READ COMMITTED; rolled back where `work` fails. Where another transaction stands in the way, `work` runs again from the
   * start, {@link TRANSACTION_ATTEMPTS} times at most: it waits shortly for a lock at first ({@link FIRST_LOCK_MILLISECONDS}),
   * then longer. Inside, only `sql` may be used: on the embedded database any other query would wait for this transaction.
   * @throws BusyError, what `work` throws.
   */
  async transaction<T>(
    work: (sql: Queryable) => Promise<T>,
    {
      isPassing = isContention,
      longestLock = LOCK_MILLISECONDS,
      attempts = TRANSACTION_ATTEMPTS,
    }: TransactionOptions = {},
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work, Math.min(longestLock, FIRST_LOCK_MILLISECONDS * 2 ** (attempt - 1)));
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (attempt === attempts) throw new BusyError(attempts, connectionReason(error), { cause: error });
        await delay(FIRST_PAUSE_MILLISECONDS * 2 ** attempt * (0.5 + Math.random()));
      }
    }
  }

  /**
   * A statement outside of a transaction that may take hours, such as the build of an index: neither this program nor, where
   * no pooler is between, the server's setting limits it.
   */
  unlimited(text: string): Promise<void> {
    return this.#connected(async (sql) => {
      const pid = await liftLimit(sql);
      try {
        await sql.query({ text });
      } finally {
        // Where the connection broke its setting is gone with it.
        if (pid !== undefined) await this.#restoreLimit(sql, pid, 1).catch(() => undefined);
      }
    }, null);
  }

  /**
   * Behind a pooler another session may answer by now. An open transaction keeps the one that it has: the next connection
   * gets another session, until it is the one, or all connections but one are held.
   */
  async #restoreLimit(sql: PgClient, pid: number, held: number): Promise<void> {
    await sql.query({ text: 'BEGIN' });
    try {
      if ((await restoreLimit(sql, pid)) || held + 1 >= this.#pool.options.max) return;
      await this.#connected((next) => this.#restoreLimit(next, pid, held + 1));
    } finally {
      await sql.query({ text: 'COMMIT' });
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  /** The server is asked to end a statement that takes too long: a limit would be a setting of the session. */
  async #single(query: QueryConfig<unknown[]>): Promise<QueryResult> {
    return this.#connected(async (sql, { client, breakOff }) => {
      const timers: NodeJS.Timeout[] = [];
      const tooLong = new Promise<never>((_, reject) => {
        const giveUp = (): void => {
          reject(breakOff('it does not answer'));
        };
        const cancel = (): void => {
          cancelStatement(this.address, client);
          timers.push(setTimeout(giveUp, CANCEL_MILLISECONDS));
        };
        timers.push(setTimeout(cancel, this.#statementMilliseconds));
      });
      try {
        return await Promise.race([sql.query(query), tooLong]);
      } finally {
        timers.forEach(clearTimeout);
      }
    });
  }

  async #once<T>(work: (sql: Queryable) => Promise<T>, lockMilliseconds: number): Promise<T> {
    return this.#connected(async (sql, { rollback }) => {
      try {
        await sql.query({
          // A row that a policy hides is an error: it would be taken for a deleted one.
          text: `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL row_security = off; SET LOCAL lock_timeout = ${lockMilliseconds}; SET LOCAL statement_timeout = ${this.#statementMilliseconds}`,
        });
        const result = await work(new Queryable(sql, () => this.pgvector));
        await sql.query({ text: 'COMMIT' });
        return result;
      } catch (error) {
        await rollback();
        throw error;
      }
    });
  }

  async #connected<T>(
    work: (sql: PgClient, connection: Connection) => Promise<T>,
    limitMilliseconds: number | null = this.#statementMilliseconds,
  ): Promise<T> {
    if (this.#closed !== undefined) throw new ClosedError('the store');
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw connectionFailure(error, this.address.title);
    });
    try {
      return await this.#withClient(client, work);
    } catch (error) {
      if (sqlState(error) === QUERY_CANCELED)
        throw new StatementCanceledError(connectionReason(error), limitMilliseconds, { cause: error });
      const denied = error instanceof Error ? this.#denied.get(error) : undefined;
      if (denied === undefined) throw error;
      const { role, grants } = await missingRights(this, denied);
      throw new MissingRightError(role, connectionReason(error), grants, { cause: error });
    }
  }

  /** With a connection that goes back to the pool, or is thrown away where it broke. */
  async #withClient<T>(client: pg.PoolClient, work: (sql: PgClient, connection: Connection) => Promise<T>): Promise<T> {
    let broken: Error | undefined;
    // A server that ends the connection says so here; the query under way is rejected by itself.
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    const query = (config: QueryConfig<unknown[]>): Promise<QueryResult> =>
      client.query(config).catch((error: unknown) => {
        const failure = statementFailure(error, this.address.title);
        if (failure instanceof StoreUnavailableError) broken = failure;
        if (sqlState(failure) === INSUFFICIENT_PRIVILEGE && failure instanceof Error)
          this.#denied.set(failure, config.text);
        throw failure;
      });
    const rollback = async (): Promise<void> => {
      await client.query('ROLLBACK').catch(onError);
    };
    const breakOff = (reason: string): StoreUnavailableError => {
      const failure = new StoreUnavailableError(this.address.title, reason, {});
      broken = failure;
      return failure;
    };
    try {
      return await work({ query }, { client, rollback, breakOff });
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}

interface Connection {
  readonly client: pg.PoolClient;
  /** Never fails. */
  readonly rollback: () => Promise<void>;
  /** The connection is thrown away, and with it what waits for an answer. */
  readonly breakOff: (reason: string) => StoreUnavailableError;
}
