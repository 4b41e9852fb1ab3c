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

/**
 * The collections of a database, which is opened when a request first asks for one: the server starts without it. What
 * could not be opened is tried again by the next request. A folder without a database has no collections.
 */
export class StoredCollections implements CollectionSearch {
  readonly #database: string;
  readonly #kind: 'server' | 'folder';
  #opening: Promise<PostgresStore> | undefined;
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

  /** Waits for queries under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#forget();
  }

  #of<T>(name: string, ask: (store: PostgresStore) => Promise<T>): Promise<T> {
    return this.#isAbsent() ? Promise.reject(new UnknownCollectionError(name, [])) : this.#with(ask);
  }

  async #with<T>(ask: (store: PostgresStore) => Promise<T>): Promise<T> {
    if (this.#closed) throw new ClosedError('the database');
    const opening = (this.#opening ??= this.#open());
    const store = await opening.catch((error: unknown) => {
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    });
    try {
      return await ask(store);
    } catch (error) {
      // A pool finds a server again by itself. An embedded database comes back in another process, at another port.
      const isGone = error instanceof KimeraError && error.code === 'STORE_UNAVAILABLE';
      if (isGone && this.#kind === 'folder' && this.#opening === opening) void this.#forget();
      throw error;
    }
  }

  async #open(): Promise<PostgresStore> {
    const { openOrJoinStore } = await import('@kimera/store-postgres');
    return openOrJoinStore({ database: this.#database });
  }

  async #forget(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    await opening?.then(
      (store) => store.close(),
      () => undefined,
    );
  }

  #isAbsent(): boolean {
    return this.#kind === 'folder' && !existsSync(this.#database);
  }
}
