import { existsSync } from 'node:fs';
import {
  ClosedError,
  KimeraError,
  UnknownCollectionError,
  type CollectionSearch,
  type CollectionSpaces,
  type QueryVector,
  type SearchAnswer,
  type SearchOptions,
} from '@kimera/core';
import type { PostgresStore } from '@kimera/store-postgres';

/** The store for longer than a request. */
export interface LentStore {
  readonly store: PostgresStore;
  /** Aborted before the store is closed: then another one is asked for. */
  readonly gone: AbortSignal;
}

interface OpenedStore {
  readonly store: Promise<PostgresStore>;
  readonly gone: AbortController;
}

/**
 * The collections of a database, which is opened when a request first asks for one: the server starts without it. What
 * could not be opened is tried again by the next request. A folder without a database has no collections.
 */
export class StoredCollections implements CollectionSearch {
  readonly #database: string;
  readonly #kind: 'server' | 'folder';
  #opened: OpenedStore | undefined;
  #closed = false;

  private constructor(database: string, kind: 'server' | 'folder') {
    this.#database = database;
    this.#kind = kind;
  }

  /**
   * Opens nothing yet.
   * @param database the address of a server, or the folder of an embedded database. @throws DatabaseAddressError.
   */
  static async at(database: string): Promise<StoredCollections> {
    const { parseDatabaseAddress } = await import('@kimera/store-postgres');
    return new StoredCollections(database, parseDatabaseAddress(database).kind);
  }

  names(): Promise<readonly string[]> {
    return this.#isAbsent() ? Promise.resolve([]) : this.#with(({ search }) => search.names());
  }

  spaces(name: string, tenant?: string): Promise<CollectionSpaces> {
    return this.#of(name, ({ search }) => search.spaces(name, tenant));
  }

  search(name: string, query: QueryVector, options: SearchOptions): Promise<SearchAnswer> {
    return this.#of(name, ({ search }) => search.search(name, query, options));
  }

  /**
   * The store that requests use, for who works beside them and does not close it; undefined where there is no database
   * yet. @throws the store's errors.
   */
  async lend(): Promise<LentStore | undefined> {
    if (this.#isAbsent()) return undefined;
    const { store, gone } = this.#open();
    return { store: await store, gone: gone.signal };
  }

  /** The database did not answer who works with it: where that is for good, the store is given up. */
  notAnswered({ gone }: LentStore): void {
    if (this.#kind === 'folder' && this.#opened?.gone.signal === gone) void this.#forget();
  }

  /** Waits for queries under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#forget();
  }

  #of<T>(name: string, ask: (store: PostgresStore) => Promise<T>): Promise<T> {
    return this.#isAbsent() ? Promise.reject(new UnknownCollectionError(name, [])) : this.#with(ask);
  }

  async #with<T>(ask: (store: PostgresStore) => Promise<T>): Promise<T> {
    const opened = this.#open();
    const store = await opened.store;
    try {
      return await ask(store);
    } catch (error) {
      // A pool finds a server again by itself. An embedded database comes back in another process, at another port.
      const isGone = error instanceof KimeraError && error.code === 'STORE_UNAVAILABLE';
      if (isGone && this.#kind === 'folder' && this.#opened === opened) void this.#forget();
      throw error;
    }
  }

  /** @throws ClosedError. */
  #open(): OpenedStore {
    if (this.#closed) throw new ClosedError('the database');
    if (this.#opened !== undefined) return this.#opened;
    const opened = { store: this.#openStore(), gone: new AbortController() };
    this.#opened = opened;
    opened.store.catch(() => {
      if (this.#opened === opened) this.#opened = undefined;
    });
    return opened;
  }

  async #openStore(): Promise<PostgresStore> {
    const { openOrJoinStore } = await import('@kimera/store-postgres');
    return openOrJoinStore({ database: this.#database });
  }

  async #forget(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.gone.abort();
    await opened?.store.then(
      (store) => store.close(),
      () => undefined,
    );
  }

  #isAbsent(): boolean {
    return this.#kind === 'folder' && !existsSync(this.#database);
  }
}
