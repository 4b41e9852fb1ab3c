import {
  CatchUpError,
  MigrationStateError,
  type Migration,
  type NewVector,
  type SourceRow,
  type SpaceSwitch,
  type SwitchResult,
  type TextEmbedder,
} from '@kimera/core';
import { embedRows } from './embed-rows.js';
import { PoisonRowsError, RowsMissingError, TenantNameError } from './errors.js';
import { prepareSwap, type PrepareSwapOptions } from './in-place.js';
import { movedTenants } from './moved-tenants.js';
import { openMigration } from './open-migration.js';
import type { MigrationParts } from './parts.js';
import { TRANSITIONS } from './transitions.js';
import { CollectionWorker, emptyTally } from './worker/collection-worker.js';
import { Pace, pause } from './worker/pace.js';
import { LEASE_SECONDS } from './worker/work.js';

/** Changes that may be embedded while writers of the collection wait, however fast the model is. */
export const MAX_PENDING = 500;
/** How long writers may wait while the last changes are embedded, at the speed that was measured just before. */
export const MAX_BLOCKED_SECONDS = 2;
/** The first attempt lets writers wait about so long; a later one longer, where too many changes were left each time. */
const WANTED_BLOCKED_SECONDS = 0.02;
/** After so many rounds in a row that do not lower the number of waiting changes, the lock is asked for. */
const ROUNDS_AT_THE_FLOOR = 3;
/** How long a switch may try. Changes of a day take longer: let a worker run first. */
export const SWITCH_TIMEOUT_SECONDS = 300;
/** The same where no speed is known yet: as many as the first call of a model gets. */
const FIRST_PENDING = 16;
/** What other workers do, and what came in between, is looked at again after this long. */
const AGAIN_MILLISECONDS = 100;

export interface SwitchOptions extends PrepareSwapOptions {
  /**
   * Only the searches of these tenants; absent: of all. At least one, each with a name. Beside the writers all rows are
   * caught up with, under the lock those of the tenants alone.
   */
  readonly tenants?: readonly string[];
  /** Default {@link MAX_PENDING}. */
  readonly maxPending?: number;
  /** Default {@link MAX_BLOCKED_SECONDS}. Under twice as long nothing is embedded any more, and nothing has changed. */
  readonly maxBlockedSeconds?: number;
  /** Default {@link SWITCH_TIMEOUT_SECONDS}; then CatchUpError says what was in the way. */
  readonly timeoutSeconds?: number;
  /** Ends the switch within two seconds, in any of its phases; its reason is thrown, and nothing has changed. */
  readonly signal?: AbortSignal;
}

/** What a switch did. */
export interface SwitchReport extends SwitchResult {
  /** Times that it caught up and asked for the lock. */
  readonly rounds: number;
  /** Rows embedded beside the writers. */
  readonly caughtUpBefore: number;
  readonly seconds: number;
}

/**
 * Searches use the new space from here on; the old vectors stay, and are kept current while the migration is not
 * retired. A migration of which some tenants are cut over is `cut-over`; more tenants, or all, may follow.
 * @throws NoMigrationError, MigrationStateError (not verified), PoisonRowsError, RowsMissingError, CatchUpError,
 * NoTenantsError, TenantNameError, TenantsInPlaceError, SpaceMismatchError where a tenant is cut over already; nothing has changed then.
 */
export function cutOver(parts: MigrationParts, options: SwitchOptions = {}): Promise<SwitchReport> {
  return switchTo(parts, 'cutover', parts.source, parts.target, options);
}

/**
 * Back to the old space: the vectors of unchanged rows are those from before, byte for byte; changed rows have theirs
 * of their present text. The migration is `rolled-back` once no searches use the new space. @throws as cutOver.
 */
export function rollBack(parts: MigrationParts, options: SwitchOptions = {}): Promise<SwitchReport> {
  return switchTo(parts, 'rollback', parts.target, parts.source, options);
}

async function switchTo(
  parts: MigrationParts,
  event: 'cutover' | 'rollback',
  from: TextEmbedder,
  to: TextEmbedder,
  options: SwitchOptions,
): Promise<SwitchReport> {
  const { tenants } = options;
  if (tenants?.length === 0 || tenants?.includes('') === true) throw new TenantNameError(tenants);
  const migration = await openMigration(parts, event);
  const rule = await ruleOf(parts, migration, event, tenants);
  // Refused before any work is done; the store checks again in its transaction.
  if (!rule.expected.includes(migration.state))
    throw new MigrationStateError(migration.id, event, migration.state, rule.expected);
  options.signal?.throwIfAborted();
  // May take long: what changes meanwhile is caught up with after it.
  await prepareSwap(parts, migration, to.space.fingerprint, options);
  return new Switch(parts, migration, from, to, options).run(rule);
}

type SwitchRule = Pick<SpaceSwitch, 'expected' | 'to' | 'whenNobodyIsLeft' | 'event' | 'tenants'>;

/** While tenants are left in either space, switches go on from `cut-over`. */
async function ruleOf(
  { store }: MigrationParts,
  { id, state }: Migration,
  event: 'cutover' | 'rollback',
  tenants: readonly string[] | undefined,
): Promise<SwitchRule> {
  const { expected, to } = TRANSITIONS[event];
  const whole = { expected, event, ...(tenants === undefined ? {} : { tenants }) };
  // Others may switch at the same time: who is the last one is seen in the transaction.
  if (event === 'rollback') return { ...whole, to: 'cut-over', whenNobodyIsLeft: to };
  const isPartly = state === 'cut-over' && movedTenants(await store.migrations.events(id)).of !== 'everybody';
  return { ...whole, to, expected: isPartly ? [...expected, 'cut-over'] : expected };
}

/** Catches up beside the writers until the rest gets no smaller, and may be embedded while they wait. */
class Switch {
  readonly #started = performance.now();
  readonly #tally = emptyTally();
  readonly #deadline: AbortSignal;
  readonly #stop: AbortSignal;
  readonly #pace: Pace;
  readonly #worker: CollectionWorker;
  #rounds = 0;
  #pending = 0;
  #isChecked = false;

  constructor(
    private readonly parts: MigrationParts,
    private readonly migration: Migration,
    private readonly from: TextEmbedder,
    private readonly to: TextEmbedder,
    private readonly options: SwitchOptions,
  ) {
    const { signal, timeoutSeconds = SWITCH_TIMEOUT_SECONDS } = options;
    this.#deadline = AbortSignal.timeout(timeoutSeconds * 1000);
    this.#stop = signal === undefined ? this.#deadline : AbortSignal.any([signal, this.#deadline]);
    this.#pace = new Pace({}, this.#stop);
    this.#worker = new CollectionWorker({
      store: parts.store,
      collection: parts.collection,
      model: async () => to,
      pace: this.#pace,
      tally: this.#tally,
      leaseSeconds: LEASE_SECONDS,
      signal: this.#stop,
      takeUrgent: async () => false,
      onBatch: async () => undefined,
    });
  }

  async run(rule: SwitchRule): Promise<SwitchReport> {
    try {
      for (;;) {
        this.#rounds += 1;
        await this.#catchUp();
        const result = await this.#ask(rule);
        if (result !== undefined) return { ...result, ...this.#figures() };
        await pause(AGAIN_MILLISECONDS, this.#stop);
      }
    } catch (error) {
      this.options.signal?.throwIfAborted();
      if (!this.#deadline.aborted) throw error;
      const { maxBlockedSeconds = MAX_BLOCKED_SECONDS } = this.options;
      throw new CatchUpError(this.#pending, this.#allowed, {
        ...this.#figures(),
        rowsPerSecond: Math.round(this.#pace.speed(this.to.space.fingerprint) ?? 0),
        maxBlockedSeconds,
      });
    }
  }

  /** Changes that may wait when the lock is asked for. */
  get #allowed(): number {
    const { maxPending = MAX_PENDING, maxBlockedSeconds = MAX_BLOCKED_SECONDS } = this.options;
    const speed = this.#pace.speed(this.to.space.fingerprint);
    return Math.min(maxPending, speed === undefined ? FIRST_PENDING : Math.floor(speed * maxBlockedSeconds));
  }

  /**
   * How many changes may wait at this attempt: as many as were left a moment ago, or as take `WANTED_BLOCKED_SECONDS` to
   * embed. If more wait once the lock is held, the attempt is given up, and the next one allows twice as many.
   */
  get #asked(): number {
    const speed = this.#pace.speed(this.to.space.fingerprint) ?? 0;
    const wanted = Math.max(1, this.#pending, Math.floor(speed * WANTED_BLOCKED_SECONDS));
    return Math.min(this.#allowed, wanted * 2 ** (this.#rounds - 1));
  }

  #figures() {
    return {
      rounds: this.#rounds,
      caughtUpBefore: this.#tally.changes,
      seconds: Math.round((performance.now() - this.#started) / 100) / 10,
    };
  }

  /**
   * Rounds of a call of the model each, as long as they lower what waits: nothing at the end, or as much as writers change
   * during a round.
   */
  async #catchUp(): Promise<void> {
    const { store, collection } = this.parts;
    const { space } = this.to;
    let [least, atTheFloor] = [Infinity, 0];
    for (;;) {
      this.#stop.throwIfAborted();
      const some = await this.#worker.takeChanges([space], 'all rows');
      this.#pending = await store.changes.countPending(collection, space.fingerprint);
      if (this.#pending === 0) break;
      if (this.#pending < least) [least, atTheFloor] = [this.#pending, 0];
      else if (some) atTheFloor += 1;
      if (atTheFloor >= ROUNDS_AT_THE_FLOOR && this.#pending <= this.#allowed) break;
      // Other workers have them at hand.
      if (!some) await pause(AGAIN_MILLISECONDS, this.#stop);
    }
    if (this.#isChecked) return;
    await refuseGaps(this.parts, this.migration, this.to);
    this.#isChecked = true;
  }

  /** Undefined where more waits by now than may: writers were not held for it. */
  async #ask(rule: SwitchRule): Promise<SwitchResult | undefined> {
    const { store, by } = this.parts;
    const { maxBlockedSeconds = MAX_BLOCKED_SECONDS } = this.options;
    const change = {
      ...rule,
      figures: { ...this.#figures(), ...(rule.tenants === undefined ? {} : { tenants: rule.tenants }) },
      from: this.from.space.fingerprint,
      toSpace: this.to.space.fingerprint,
      maxPending: this.#asked,
      signal: this.#stop,
    };
    try {
      return await store.migrations.switchSpace(this.migration.id, by, change, (rows) =>
        this.#embed(rows, AbortSignal.timeout(maxBlockedSeconds * 2_000)),
      );
    } catch (error) {
      if (!(error instanceof CatchUpError)) throw error;
      this.#pending = error.pending;
      return undefined;
    }
  }

  /** While writers wait: not for longer than `held`. */
  async #embed(rows: readonly SourceRow[], held: AbortSignal): Promise<readonly NewVector[]> {
    const space = this.to.space.fingerprint;
    try {
      const { vectors, poison } = await this.#pace.run(space, rows.length, () =>
        embedRows(this.to, rows, AbortSignal.any([this.#stop, held])),
      );
      if (poison.length > 0)
        throw new PoisonRowsError(
          poison.map(({ id }) => id),
          poison[0]?.reason ?? '',
        );
      return vectors;
    } catch (error) {
      // The model is slower than it was: the next round allows fewer.
      if (held.aborted && !this.#stop.aborted) throw new CatchUpError(rows.length, this.#allowed);
      throw error;
    }
  }
}

async function refuseGaps({ store, collection }: MigrationParts, { id }: Migration, to: TextEmbedder): Promise<void> {
  const space = to.space.fingerprint;
  const poison = (await store.migrations.poison(id)).filter((row) => row.space === space);
  const blocking = poison.filter(({ excused }) => excused === 'no');
  if (blocking.length > 0)
    throw new PoisonRowsError(
      blocking.map((row) => row.id),
      blocking[0]?.reason ?? '',
    );
  const { missing, stale, pending } = await store.vectors.coverage(collection, space);
  const unexplained = missing + stale - pending - poison.length;
  if (unexplained > 0) throw new RowsMissingError(missing + stale, poison.length);
}
