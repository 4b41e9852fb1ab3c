import { KimeraError, shortFingerprint } from '@kimera/core';

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
