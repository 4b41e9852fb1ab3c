import { KimeraError, shortFingerprint } from '@kimera/core';
import type { MovedTenants } from './moved-tenants.js';

/** Source and target are the same space: there is nothing to migrate. */
export class SameSpaceError extends KimeraError {
  readonly code = 'SAME_SPACE';
  readonly kind = 'refused';
  constructor(
    readonly space: string,
    readonly modelId: string,
  ) {
    super(`the collection is in space ${shortFingerprint(space)} (${modelId}) already`, { space, modelId });
  }
}

/** The new vectors would not fit. */
export class NotEnoughRoomError extends KimeraError {
  readonly code = 'NOT_ENOUGH_ROOM';
  readonly kind = 'refused';
  constructor(
    readonly needed: number,
    readonly free: number,
  ) {
    super(`the new vectors take about ${needed} bytes, ${free} are free where the database lies`, { needed, free });
  }
}

/** The backfill has jobs left. */
export class BackfillIncompleteError extends KimeraError {
  readonly code = 'BACKFILL_INCOMPLETE';
  readonly kind = 'retryable';
  constructor(
    readonly waiting: number,
    readonly active: number,
    readonly failed: number,
  ) {
    super(
      `the backfill has ${waiting} jobs waiting, ${active} under way and ${failed} given up: let a worker finish first`,
      { waiting, active, failed },
    );
  }
}

/** Rows without a vector in the new space stand in the way of a cutover. */
export class RowsMissingError extends KimeraError {
  readonly code = 'ROWS_MISSING';
  readonly kind = 'refused';
  constructor(
    readonly missing: number,
    readonly excused: number,
  ) {
    super(`${missing} rows have no vector in the new space, ${excused} of them are excused`, { missing, excused });
  }
}

/** Rows that could not be embedded, and that nobody has excused. */
export class PoisonRowsError extends KimeraError {
  readonly code = 'POISON_ROWS';
  readonly kind = 'refused';
  constructor(
    readonly ids: readonly string[],
    readonly reason: string,
  ) {
    super(
      `${ids.length} rows could not be embedded and block the cutover until they are changed or excused: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''} (${reason})`,
      { ids: ids.slice(0, 100), reason },
    );
  }
}

/** A switch of no tenant, or of one without a name, which stands for all. */
export class TenantNameError extends KimeraError {
  readonly code = 'TENANT_NAME';
  readonly kind = 'caller';
  constructor(readonly tenants: readonly string[]) {
    super(
      tenants.length === 0
        ? 'tenants to switch are named, or left out where all are meant'
        : 'a tenant without a name cannot be switched alone: leave it out, or switch all',
      { tenants: tenants.slice(0, 100) },
    );
  }
}

/** Searches of some tenants use another space than those of the others: neither can be dropped. */
export class TenantsSplitError extends KimeraError {
  readonly code = 'TENANTS_SPLIT';
  readonly kind = 'refused';
  constructor(
    readonly collection: string,
    readonly moved: MovedTenants,
  ) {
    const { tenants } = moved;
    const some = `${tenants.slice(0, 5).join(', ')}${tenants.length > 5 ? ', …' : ''}`;
    super(
      `${tenants.length} tenants of collection ${JSON.stringify(collection)} ${moved.of === 'all but some' ? 'are still in the old space' : 'are in the new space, the others in the old one'}: ${some}`,
      { collection, tenants: tenants.slice(0, 100) },
    );
  }
}

/** An acceptance in writing where the gate said NO-GO, or without words. */
export class AcceptanceError extends KimeraError {
  readonly code = 'ACCEPTANCE';
  readonly kind = 'caller';
  constructor(
    readonly verdict: string,
    readonly reason: string,
  ) {
    super(`the verdict ${verdict} cannot be accepted: ${reason}`, { verdict, reason });
  }
}

/** δ is fixed once a migration is planned: after a look at the differences any verdict could be chosen by it. */
export class MarginFixedError extends KimeraError {
  readonly code = 'MARGIN_FIXED';
  readonly kind = 'refused';
  constructor(
    readonly fixed: number,
    readonly asked: number,
  ) {
    super(`this migration was planned with a margin of ${fixed}; ${asked} was asked for`, { fixed, asked });
  }
}

export interface WaitingChanges {
  readonly pending: number;
  readonly oldestSeconds: number;
  readonly allowed: number;
  /** Where none has waited for `freshSeconds`. */
  readonly allowedFresh: number;
  readonly freshSeconds: number;
  /** How long the verification has waited for them. */
  readonly seconds: number;
}

/** Changes of the application still wait to be embedded: nothing is judged yet. */
export class ChangesWaitingError extends KimeraError {
  readonly code = 'CHANGES_WAITING';
  readonly kind = 'retryable';
  constructor(readonly waiting: WaitingChanges) {
    const { pending, oldestSeconds, allowed, allowedFresh, freshSeconds, seconds } = waiting;
    super(
      `${pending} changes still wait to be embedded in the new space after ${seconds} s, the oldest for ${oldestSeconds.toFixed(1)} s; at most ${allowed} may, or ${allowedFresh} that wait for less than ${freshSeconds} s: nothing was judged`,
      { ...waiting },
    );
  }
}

/** The model fails on every text: the rows are not to blame. */
export class EmbedderBrokenError extends KimeraError {
  readonly code = 'EMBEDDER_BROKEN';
  readonly kind = 'internal';
  constructor(
    readonly modelId: string,
    readonly reason: string,
    options: ErrorOptions,
  ) {
    super(`${modelId} cannot embed any text: ${reason}`, { modelId, reason }, options);
  }
}

/** A model gave no vector, or one with a NaN or an infinity. */
export class NotFiniteVectorError extends KimeraError {
  readonly code = 'VECTOR_NOT_FINITE';
  readonly kind = 'internal';
  constructor(readonly id: string) {
    super(`the vector of row ${id} is not finite`, { id });
  }
}

interface Agreement {
  readonly rows: number;
  readonly agreeing: number;
}

/** The option that reads no old vector; a column of another dimension is left alone altogether. */
type WithoutOldVectors = '--re-embed' | '--vector none';

/** The stored vectors are those of another model at hand, or of the named one with its prompt for queries. */
export class OtherModelVectorsError extends KimeraError {
  readonly code = 'VECTORS_OF_OTHER_MODEL';
  readonly kind = 'refused';
  constructor(
    readonly named: string,
    readonly fitting: string,
    readonly role: 'document' | 'query',
    { rows, agreeing }: Agreement,
    readonly otherwise: WithoutOldVectors,
  ) {
    super(
      `the stored vectors are not those of ${named} (${agreeing} of ${rows} sampled agree): they are those of ${fitting}${role === 'query' ? ' with its prompt for queries instead of documents, which searches cannot use: ${otherwise} embeds every row as a document' : `: give --model ${fitting}, or ${otherwise} to embed every row with ${named}`}`,
      { named, fitting, role, rows, agreeing },
    );
  }
}

/** No model at hand gives the stored vectors. */
export class UnknownModelVectorsError extends KimeraError {
  readonly code = 'VECTORS_OF_UNKNOWN_MODEL';
  readonly kind = 'refused';
  constructor(
    readonly named: string,
    { rows, agreeing }: Agreement,
    readonly dimensions: readonly number[],
    readonly tried: readonly string[],
    readonly otherwise: WithoutOldVectors,
  ) {
    super(
      `the stored vectors (${dimensions.join(', ')} numbers) are not those of ${named} (${agreeing} of ${rows} sampled agree), nor of another model at hand (${tried.join(', ') || 'none'}): get the model that made them ("kimera models pull ID") and name it, or ${otherwise} to embed every row with ${named}`,
      { named, rows, agreeing, dimensions, tried },
    );
  }
}

/** The model is right, and some vectors are not of their row's present text. */
export class OutdatedVectorsError extends KimeraError {
  readonly code = 'VECTORS_OUTDATED';
  readonly kind = 'refused';
  constructor(
    readonly modelId: string,
    readonly ids: readonly string[],
    readonly sampled: number,
  ) {
    super(
      `the stored vectors are those of ${modelId}, but ${ids.length} of ${sampled} sampled are not of their row's present text (${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''}): --text may name another text than was embedded, or texts changed without their vectors. Set such vectors to NULL, or --re-embed to embed every row`,
      { modelId, ids: ids.slice(0, 100), sampled },
    );
  }
}

/** Most values of the column are no vectors. */
export class UnreadableVectorsError extends KimeraError {
  readonly code = 'VECTORS_UNREADABLE';
  readonly kind = 'refused';
  constructor(
    readonly unreadable: number,
    readonly sampled: number,
    readonly id: string,
    readonly problem: string,
  ) {
    super(
      `${unreadable} of ${sampled} sampled values are no vectors (row ${id}: ${problem}): name the column of vectors with --vector, or --vector none to embed every row`,
      { unreadable, sampled, id, problem },
    );
  }
}
