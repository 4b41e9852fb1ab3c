import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAbsence, reasonOf } from '@kimera/core';
import type { PackedGraph, WorkerData } from '../graph-options.js';
import { readEntry } from './entry.js';
import { foreignWriters } from './foreign-writers.js';
import { packInProcess } from '../pack-in-process.js';
import { packedKey } from './packed-key.js';
import { lackOfRoom } from './room.js';

/** Below the cache folder. */
const FOLDER = 'packed-weights';
/** Of a folder that is being written: there is one writer for a key. */
const UNFINISHED = '.new';
/** Of a file that says why a graph cannot be packed. */
const UNFIT = '.unfit';
/** While a process waits for its writer it says so by the folder's time, this often. */
const SIGN_MILLISECONDS = 5_000;
/** A folder without a sign for so long is of a process that was killed. */
const UNFINISHED_MINUTES = 1;
/** Entries that are kept: those that were used last, and none that was not for so long. */
const ENTRIES = 8;
const UNUSED_DAYS = 30;

/** What happens to packed weights; nothing of it is a failure. */
export type PackedWeightsEvent =
  | { readonly kind: 'written'; readonly path: string }
  /** They were there and did not hold: they are made again. */
  | { readonly kind: 'refused'; readonly path: string; readonly reason: string }
  /** Each session has its own copy. */
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface PackedWeightsOptions {
  /** Cache folder of this user. */
  readonly cache: string;
  readonly onEvent?: ((event: PackedWeightsEvent) => void) | undefined;
  /** That a backend is open before they are written: programs that end sooner write nothing. Default 3,000. */
  readonly afterMilliseconds?: number | undefined;
}

const AFTER_MILLISECONDS = 3_000;

/**
 * The packed weights of one variant of a model folder, kept in a cache folder: sessions map them, so that those of all
 * workers and processes share one copy. What is there is never trusted: every byte is checked against a checksum, and
 * each session runs the probes of the model folder.
 */
export class PackedWeights {
  readonly #data: WorkerData;
  readonly #folder: string;
  readonly #entry: string;
  readonly #tell: (event: PackedWeightsEvent) => void;
  readonly #after: number;
  readonly #closing = new AbortController();
  #writing: Promise<PackedGraph | undefined> | undefined;

  private constructor(
    data: WorkerData,
    folder: string,
    key: string,
    { onEvent, afterMilliseconds = AFTER_MILLISECONDS }: PackedWeightsOptions,
  ) {
    this.#data = data;
    this.#folder = folder;
    this.#entry = join(folder, key);
    this.#tell = onEvent ?? (() => undefined);
    this.#after = afterMilliseconds;
  }

  /** Undefined where nothing can be kept: a read-only home, a folder of others. */
  static async open(data: WorkerData, options: PackedWeightsOptions): Promise<PackedWeights | undefined> {
    const folder = join(options.cache, FOLDER);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const foreign = await foreignWriters(folder);
      if (foreign !== undefined) throw new Error(foreign);
      return new PackedWeights(data, folder, await packedKey(data.served), options);
    } catch (error) {
      options.onEvent?.({ kind: 'unavailable', reason: reasonOf(error) });
      return undefined;
    }
  }

  /** What is there and holds. */
  async find(): Promise<PackedGraph | undefined> {
    try {
      const foreign = await foreignWriters(this.#entry);
      if (foreign !== undefined) throw new Error(foreign);
      const packed = await readEntry(this.#entry);
      await utimes(this.#entry, new Date(), new Date());
      return packed;
    } catch (error) {
      if (!isAbsence(error) || (await exists(this.#entry))) await this.refuse(reasonOf(error));
      return undefined;
    }
  }

  /** Removes what does not hold. */
  async refuse(reason: string): Promise<void> {
    this.#tell({ kind: 'refused', path: this.#entry, reason });
    await rm(this.#entry, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Makes them in a process of their own, of low priority. Undefined where that does not work, or was stopped. */
  async write(): Promise<PackedGraph | undefined> {
    if (this.#closing.signal.aborted) return undefined;
    this.#writing ??= this.#write()
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) this.tellUnavailable(reasonOf(error));
        return undefined;
      })
      .finally(() => {
        this.#writing = undefined;
      });
    return this.#writing;
  }

  /** Why sessions do not share them. */
  tellUnavailable(reason: string): void {
    this.#tell({ kind: 'unavailable', reason });
  }

  /** Stops what is being written. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  async #write(): Promise<PackedGraph | undefined> {
    await pause(this.#after, undefined, { ref: false, signal: this.#closing.signal });
    await this.#removeOld();
    const lack = await lackOfRoom(this.#folder, this.#data.served);
    if (lack !== undefined) throw new Error(lack);
    if (await exists(this.#entry + UNFIT)) throw new Error('this graph could not be packed before');
    const unfinished = this.#entry + UNFINISHED;
    // Only one process makes the folder.
    await mkdir(unfinished, { mode: 0o700 }).catch((error: unknown) => {
      throw isPresence(error) ? new Error('another process is writing them') : error;
    });
    const signs = setInterval(() => {
      utimes(unfinished, new Date(), new Date()).catch(() => undefined);
    }, SIGN_MILLISECONDS).unref();
    try {
      const unfit = await packInProcess(
        { data: this.#data, folder: unfinished, entry: this.#entry },
        this.#closing.signal,
      );
      if (unfit !== undefined) {
        await writeFile(this.#entry + UNFIT, unfit);
        throw new Error(unfit);
      }
    } finally {
      clearInterval(signs);
      await rm(unfinished, { recursive: true, force: true });
    }
    const packed = await this.find();
    if (packed !== undefined) this.#tell({ kind: 'written', path: this.#entry });
    return packed;
  }

  async #removeOld(): Promise<void> {
    const states = await Promise.all(
      (await readdir(this.#folder)).map(async (name) => {
        const path = join(this.#folder, name);
        return {
          path,
          used: await stat(path).then(
            ({ mtimeMs }) => mtimeMs,
            () => 0,
          ),
        };
      }),
    );
    const [unfinished, kept] = [true, false].map((is) => states.filter(({ path }) => path.endsWith(UNFINISHED) === is));
    const minutes = (used: number): number => (Date.now() - used) / 60_000;
    const old = [
      ...(unfinished ?? []).filter(({ used }) => minutes(used) > UNFINISHED_MINUTES),
      ...(kept ?? [])
        .sort((a, b) => b.used - a.used)
        .filter(({ used }, i) => i >= ENTRIES - 1 || minutes(used) > UNUSED_DAYS * 1_440),
    ];
    for (const { path } of old) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isPresence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
