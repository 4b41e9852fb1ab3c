import {
  CollectionTableGoneError,
  CollectionUnreadableError,
  KimeraError,
  UnknownCollectionError,
  type CollectionFault,
  type CollectionUpkeep,
  type Reconciliation,
  reasonOf,
} from '@kimera/core';

/** The faults of a collection are looked at this often. */
export const FAULTS_MILLISECONDS = 5_000;
/** Another process is mending it: only one that is not done after this long was perhaps interrupted. */
const RECONCILING_MILLISECONDS = 60_000;
/** Only the application can mend these. */
const OF_THE_TABLE: readonly CollectionFault['kind'][] = ['table-gone', 'unreadable'];

interface MenderEvents {
  /** Once for each fault. It cannot be mended from here; nothing is done for the collection meanwhile. */
  readonly onBroken: (faults: readonly CollectionFault[]) => void;
  /** After faults, or after {@link onBroken}. */
  readonly onMended: (done: Reconciliation) => void;
  /** Once for each reason. It is tried again. */
  readonly onFailed: (error: unknown) => void;
}

/** Looks after the faults of one collection, beside what else is done for it. */
export class Mender {
  #isBroken = false;
  #said = '';
  #lookedAt = -Infinity;
  #mending: Promise<void> | undefined;

  constructor(
    private readonly upkeep: CollectionUpkeep,
    private readonly collection: string,
    private readonly signal: AbortSignal,
    private readonly events: MenderEvents,
  ) {}

  /** The table is gone, or not as it was: whatever reads its rows fails. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** @returns true where the error says that the table is not as it was; then its faults are looked at next time. */
  explains(error: unknown): boolean {
    if (!(error instanceof CollectionTableGoneError || error instanceof CollectionUnreadableError)) return false;
    this.#isBroken = true;
    this.#lookedAt = -Infinity;
    return true;
  }

  /** Looks at the faults now and then, and begins to mend what can be mended. @throws UnknownCollectionError. */
  async look(milliseconds: number): Promise<void> {
    if (this.#mending !== undefined || performance.now() - this.#lookedAt < milliseconds) return;
    this.#lookedAt = performance.now();
    try {
      this.#judge(await this.upkeep.faults(this.collection));
    } catch (error) {
      if (error instanceof UnknownCollectionError) throw error;
      this.#fail(error);
    }
  }

  /** Ends what is under way, once the signal is aborted. */
  async close(): Promise<void> {
    await this.#mending;
  }

  #judge(faults: readonly CollectionFault[]): void {
    const ofTable = faults.filter(({ kind }) => OF_THE_TABLE.includes(kind));
    this.#isBroken = ofTable.length > 0;
    if (this.#isBroken) {
      this.#sayOnce(ofTable.map(({ kind, detail }) => `${kind} ${detail}`).join(), () => this.events.onBroken(ofTable));
      return;
    }
    if (faults.length === 0) {
      if (this.#said !== '') this.events.onMended({ queued: 0, removed: 0 });
      this.#said = '';
      return;
    }
    if (faults.every(isUnderWay)) return;
    this.#mending = this.#mend().finally(() => (this.#mending = undefined));
  }

  async #mend(): Promise<void> {
    try {
      this.events.onMended(await this.upkeep.reconcile(this.collection, this.signal));
      this.#said = '';
    } catch (error) {
      if (!this.explains(error)) this.#fail(error);
    }
  }

  /** A database that is away is told of where its rows are read. */
  #fail(error: unknown): void {
    if (
      this.signal.aborted ||
      error instanceof UnknownCollectionError ||
      (error instanceof KimeraError && error.kind === 'retryable')
    )
      return;
    this.#sayOnce(reasonOf(error), () => this.events.onFailed(error));
  }

  #sayOnce(what: string, say: () => void): void {
    if (this.#said === what) return;
    this.#said = what;
    say();
  }
}

function isUnderWay({ kind, at }: CollectionFault): boolean {
  return kind === 'reconciling' && at !== null && Date.now() - Date.parse(at) < RECONCILING_MILLISECONDS;
}
