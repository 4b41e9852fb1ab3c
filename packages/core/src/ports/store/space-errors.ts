import { KimeraError } from '../../errors/kimera-error.js';

/** The collection has no vectors in that space. */
export class UnknownSpaceError extends KimeraError {
  readonly code = 'UNKNOWN_SPACE';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly space: string,
  ) {
    super(`collection ${JSON.stringify(collection)} has no vectors in space ${space.slice(0, 12)}`, {
      collection,
      space,
    });
  }
}

/** The space that searches use cannot be dropped. */
export class ActiveSpaceError extends KimeraError {
  readonly code = 'ACTIVE_SPACE';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly space: string,
  ) {
    super(
      `space ${space.slice(0, 12)} is the active space of collection ${JSON.stringify(collection)}: its vectors cannot be dropped`,
      { collection, space },
    );
  }
}
