import {
  UnknownCollectionError,
  type CollectionFault,
  type EmbeddingSpace,
  type Migration,
  type Reconciliation,
} from '@kimera/core';
import type { MigrationStorePorts } from '../parts.js';
import { CollectionWorker, emptyTally, latestMigration, type WorkTally } from '../worker/collection-worker.js';
import { Pace, pause, type PaceOptions } from '../worker/pace.js';
import { Patience } from '../worker/patience.js';
import { LEASE_SECONDS } from '../worker/work.js';
import { lagOf, type SpaceLag } from './lag.js';
import { FAULTS_MILLISECONDS, Mender } from './mender.js';
import { Models, type OpenModel } from './models.js';

/** A keeper with nothing to do looks again after this long; a changed row is searchable within two seconds. */
export const KEEP_POLL_MILLISECONDS = 500;
/** Collections, their spaces and their migrations are read again after so many times the time of a poll. */
const POLLS_OF_A_SURVEY = 2;
/** The lag is measured this often. */
const LAG_MILLISECONDS = 5_000;
/** A collection in which something failed is left alone for this long; the others go on. */
const REST_MILLISECONDS = 10_000;

export interface KeepParts {
  readonly store: MigrationStorePorts;
  /** Default: all, those too that come later. */
  readonly collections?: readonly string[];
  readonly openModel: OpenModel;
}

export type KeeperEvent =
  /** It does not answer, or is busy: `code` is that of the error. */
  | { readonly kind: 'away'; readonly reason: string; readonly code: string }
  | { readonly kind: 'back'; readonly seconds: number }
  /** Changes in that space wait until the model is there; it is looked for again and again. */
  | { readonly kind: 'no model'; readonly space: EmbeddingSpace; readonly error: unknown }
  | { readonly kind: 'failed'; readonly collection: string; readonly error: unknown }
  /** Only the application can mend it; the keeper goes on with the others. Said once for each fault. */
  | { readonly kind: 'broken'; readonly collection: string; readonly faults: readonly CollectionFault[] }
  | ({ readonly kind: 'mended'; readonly collection: string } & Reconciliation)
  | { readonly kind: 'lag'; readonly lag: readonly SpaceLag[]; readonly tally: Readonly<WorkTally> };

export interface KeepOptions extends PaceOptions {
  /** Ends the keeper, after the call of the model that is under way. */
  readonly signal: AbortSignal;
  /** Default {@link LEASE_SECONDS}. */
  readonly leaseSeconds?: number;
  /** Default {@link KEEP_POLL_MILLISECONDS}. */
  readonly pollMilliseconds?: number;
  /** Faults of collections are looked at this often. Default {@link FAULTS_MILLISECONDS}. */
  readonly faultsMilliseconds?: number;
  readonly onEvent?: (event: KeeperEvent) => void;
}

/** What a keeper knows of a collection between two surveys. */
interface Kept {
  readonly worker: CollectionWorker;
  readonly mender: Mender;
  spaces: readonly EmbeddingSpace[];
  migration: Migration | undefined;
  /** Nothing is done before this time. */
  restsUntil: number;
}

/**
 * Keeps collections current until the signal, whether a migration runs or not: changes of the spaces that searches use
 * first, then those of other spaces, then the jobs of backfills. Any number of keepers and workers may run, in any
 * number of processes: no two embed the same change. Waits for a database that is away for as long as it takes. An error
 * in one collection does not keep it from the others. A collection whose changes were not all captured is reconciled,
 * beside what else is done; one whose table is gone or not as it was is left alone until it is.
 */
export async function keep(parts: KeepParts, options: KeepOptions): Promise<Readonly<WorkTally>> {
  const keeper = new Keeper(parts, options);
  try {
    await keeper.run();
  } catch (error) {
    if (!options.signal.aborted) throw error;
  } finally {
    await keeper.close();
  }
  return keeper.tally;
}

class Keeper {
  readonly tally = emptyTally();
  readonly #store: MigrationStorePorts;
  readonly #pace: Pace;
  readonly #models: Models;
  readonly #kept = new Map<string, Kept>();
  #surveyed = -Infinity;
  #lagMeasured = -Infinity;
  #turn = 0;

  constructor(
    private readonly parts: KeepParts,
    private readonly options: KeepOptions,
  ) {
    const { signal, onEvent } = options;
    this.#pace = new Pace(options, signal);
    this.#models = new Models(parts.openModel, (space, error) => onEvent?.({ kind: 'no model', space, error }));
    this.#store = new Patience({
      seconds: Infinity,
      signal,
      onAway: (reason, code) => onEvent?.({ kind: 'away', reason, code }),
      onBack: (seconds) => onEvent?.({ kind: 'back', seconds }),
    }).store(parts.store);
  }

  async run(): Promise<void> {
    const { signal, pollMilliseconds = KEEP_POLL_MILLISECONDS } = this.options;
    for (;;) {
      signal.throwIfAborted();
      await this.#survey();
      await this.#measureLag();
      if (await this.#takeUrgent()) continue;
      if (
        await this.#some(({ worker, spaces, migration }) =>
          // A pause is for the migration alone: its new space waits.
          worker.takeChanges(migration?.state === 'paused' ? [] : spaces, 'all rows'),
        )
      )
        continue;
      if (await this.#some(({ worker, migration }) => (migration === undefined ? no() : worker.takeJob(migration))))
        continue;
      await pause(pollMilliseconds, signal);
    }
  }

  async close(): Promise<void> {
    if (this.options.signal.aborted) await Promise.all([...this.#kept.values()].map(({ mender }) => mender.close()));
    await this.#models.close();
  }

  #takeUrgent(): Promise<boolean> {
    return this.#some(({ worker, spaces }) => worker.takeChanges(spaces, 'active rows'));
  }

  /** Asks one collection after the other, each time beginning with the next, until one had something to do. */
  async #some(take: (kept: Kept) => Promise<boolean>): Promise<boolean> {
    const all = [...this.#kept];
    this.#turn += 1;
    for (let i = 0; i < all.length; i++) {
      const [collection, kept] = all[(this.#turn + i) % all.length] ?? [];
      if (collection === undefined || kept === undefined || performance.now() < kept.restsUntil) continue;
      if (kept.mender.isBroken) continue;
      try {
        if (await take(kept)) return true;
      } catch (error) {
        if (this.options.signal.aborted) throw error;
        this.#fail(collection, kept, error);
      }
    }
    return false;
  }

  #fail(collection: string, kept: Kept, error: unknown): void {
    if (kept.mender.explains(error)) return;
    kept.restsUntil = performance.now() + REST_MILLISECONDS;
    // What is gone is no longer kept, and nobody needs to hear of it.
    if (error instanceof UnknownCollectionError) this.#kept.delete(collection);
    else this.options.onEvent?.({ kind: 'failed', collection, error });
  }

  async #survey(): Promise<void> {
    const { pollMilliseconds = KEEP_POLL_MILLISECONDS, faultsMilliseconds = FAULTS_MILLISECONDS } = this.options;
    if (performance.now() - this.#surveyed < pollMilliseconds * POLLS_OF_A_SURVEY) return;
    const there = await this.#store.collections.names();
    const wanted = this.parts.collections ?? there;
    for (const name of this.#kept.keys()) if (!there.includes(name)) this.#kept.delete(name);
    for (const name of wanted.filter((each) => there.includes(each))) {
      const kept = this.#kept.get(name) ?? this.#begin(name);
      try {
        await kept.mender.look(faultsMilliseconds);
        kept.spaces = await this.#store.vectors.spaces(name);
        kept.migration = await latestMigration(this.#store, name);
      } catch (error) {
        this.#fail(name, kept, error);
      }
    }
    await this.#models.keepOnly(
      new Set([...this.#kept.values()].flatMap(({ spaces }) => spaces.map(({ fingerprint }) => fingerprint))),
    );
    this.#surveyed = performance.now();
  }

  #begin(collection: string): Kept {
    const worker = new CollectionWorker({
      store: this.#store,
      collection,
      model: (space) => this.#models.of(space),
      pace: this.#pace,
      tally: this.tally,
      leaseSeconds: this.options.leaseSeconds ?? LEASE_SECONDS,
      signal: this.options.signal,
      takeUrgent: () => this.#takeUrgent(),
      onBatch: () => this.#measureLag(),
    });
    const mender = new Mender(this.parts.store.upkeep, collection, this.options.signal, {
      onBroken: (faults) => this.options.onEvent?.({ kind: 'broken', collection, faults }),
      onMended: (done) => this.options.onEvent?.({ kind: 'mended', collection, ...done }),
      onFailed: (error) => this.options.onEvent?.({ kind: 'failed', collection, error }),
    });
    const kept: Kept = { worker, mender, spaces: [], migration: undefined, restsUntil: 0 };
    this.#kept.set(collection, kept);
    return kept;
  }

  async #measureLag(): Promise<void> {
    const { onEvent } = this.options;
    if (onEvent === undefined || performance.now() - this.#lagMeasured < LAG_MILLISECONDS) return;
    this.#lagMeasured = performance.now();
    const lag: SpaceLag[] = [];
    for (const [name, kept] of this.#kept) {
      if (kept.mender.isBroken) continue;
      try {
        lag.push(...(await lagOf(this.#store, name)));
      } catch (error) {
        if (this.options.signal.aborted) throw error;
        this.#fail(name, kept, error);
      }
    }
    onEvent({ kind: 'lag', lag, tally: { ...this.tally } });
  }
}

async function no(): Promise<boolean> {
  return false;
}
