import type { MigrationState } from './ports/store/migration-state.js';
import { ROLES, shortFingerprint, type Head } from './space.js';

/**
 * Base of every refusal in Kimera. `code` is stable and machine-readable; `message` carries the limit and the actual
 * value; `fields` carries the same figures for programs. Subclasses are one refusal each.
 */
export abstract class KimeraError extends Error {
  /** SCREAMING_SNAKE_CASE, of this class alone. */
  abstract readonly code: string;
  abstract readonly kind: ErrorKind;
  /** The figures of the message, JSON-safe. */
  readonly fields: Readonly<Record<string, ErrorField>>;

  constructor(message: string, fields: Readonly<Record<string, ErrorField>> = {}, options?: ErrorOptions) {
    super(message, options);
    this.fields = fields;
    this.name = new.target.name;
  }
}

/**
 * Who has to act. `caller`: the call is wrong, and only another call can succeed (an argument, an option, a request).
 * `refused`: the call is understood, and what it is about (a file, a model, a state) is refused every time. `retryable`:
 * the same call may succeed later (busy, unreachable, stopped). `internal`: a fault of this software or of its runtime.
 */
export type ErrorKind = 'caller' | 'refused' | 'retryable' | 'internal';

/** What was thrown, for a message: not all code throws errors. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

export type ErrorField = string | number | boolean | null | readonly string[] | readonly number[];

/** A call on something that was closed, or was closed while the call waited. */
export class ClosedError extends KimeraError {
  readonly code = 'CLOSED';
  readonly kind = 'retryable';
  constructor(what: string) {
    super(`${what} is closed`, { what });
  }
}

/**
 * A batch that its space takes and this backend cannot compute; another backend of the space may. It says nothing about
 * the backend's health.
 */
export abstract class BackendLimitError extends KimeraError {}

/** Two dimensions that must be equal are not; the message carries both. */
export class DimensionMismatchError extends KimeraError {
  readonly code = 'DIMENSION_MISMATCH';
  readonly kind = 'caller';
  constructor(
    readonly expected: number,
    readonly actual: number,
    what: string,
  ) {
    super(`${what}: expected dimension ${expected}, got ${actual}`, { expected, actual, what });
  }
}

/** The graph of a model folder that was converted before vectors could be had as they are before the normalisation. */
export class UnnormalizedOutputError extends KimeraError {
  readonly code = 'UNNORMALIZED_OUTPUT';
  readonly kind = 'caller';
  constructor(readonly model: string) {
    super(
      `${model} was converted to a graph that gives normalised vectors alone: convert it again ("kimera models convert"), which keeps its space, or leave normalize: false out`,
      { model },
    );
  }
}

/** A derived space of more numbers than the model's vectors have, or of none. */
export class DerivedDimensionsError extends KimeraError {
  readonly code = 'DERIVED_DIMENSIONS';
  readonly kind = 'caller';
  constructor(
    readonly dimensions: number,
    /** D. */
    readonly limit: number,
  ) {
    super(`dimensions is ${dimensions}: a whole number from 1 to ${limit}, the dimension of the model, is needed`, {
      dimensions,
      limit,
    });
  }
}

/** int8 and uint8 have one fixed scale, which holds for numbers from -1 to 1 alone: those of normalised vectors. */
export class DerivedDtypeError extends KimeraError {
  readonly code = 'DERIVED_DTYPE';
  readonly kind = 'caller';
  constructor(readonly dtype: 'int8' | 'uint8') {
    super(
      `${dtype} is for normalised vectors, whose numbers lie between -1 and 1: vectors that are not normalised can be float, binary or ubinary`,
      { dtype },
    );
  }
}

/** Only dense vectors have a form in 8 bits or in one. */
export class DerivedHeadError extends KimeraError {
  readonly code = 'DERIVED_HEAD';
  readonly kind = 'caller';
  constructor(
    readonly head: Exclude<Head, 'dense'>,
    readonly dtype: string,
  ) {
    super(`the head ${head} is not to be had as ${dtype}, the head dense alone is: ask for ${head} as float`, {
      head,
      dtype,
    });
  }
}

/** A space derived from a derived one: all rules go into one derivation of the model's own space. */
export class DerivedParentError extends KimeraError {
  readonly code = 'DERIVED_PARENT';
  readonly kind = 'caller';
  constructor(
    readonly space: string,
    readonly parent: string,
  ) {
    super(
      `space ${shortFingerprint(space)} is derived from ${shortFingerprint(parent)}: derive from that one, by all rules at once`,
      { space, parent },
    );
  }
}

/** A vector without direction cannot be normalised or compared by cosine. */
export class ZeroVectorError extends KimeraError {
  readonly code = 'ZERO_VECTOR';
  readonly kind = 'caller';
  constructor(what: string) {
    super(`${what}: the vector is zero or not finite and has no direction`, { what });
  }
}

/** A ColBERT score needs at least one token vector on each side. */
export class EmptyMultiVectorError extends KimeraError {
  readonly code = 'EMPTY_MULTI_VECTOR';
  readonly kind = 'caller';
  constructor(readonly side: 'query' | 'passage') {
    super(`the ${side} has no token vector`, { side });
  }
}

/** Vectors of two spaces were about to be compared or stored together (invariant 2). */
export class SpaceMismatchError extends KimeraError {
  readonly code = 'SPACE_MISMATCH';
  readonly kind = 'refused';
  constructor(
    readonly expected: string,
    readonly actual: string,
    what: string,
  ) {
    super(`${what}: expected vectors of space ${shortFingerprint(expected)}, got space ${shortFingerprint(actual)}`, {
      expected,
      actual,
      what,
    });
  }
}

/** A backend's vectors for the recorded probes are not those of the space: it must not serve (invariant 2). */
export class ProbeMismatchError extends KimeraError {
  readonly code = 'PROBE_MISMATCH';
  readonly kind = 'internal';
  constructor(
    readonly backend: string,
    readonly fingerprint: string,
    readonly worstCosine: number,
    readonly floor: number,
    readonly text: string,
  ) {
    super(
      `backend "${backend}" does not produce space ${shortFingerprint(fingerprint)}: probe cosine ${worstCosine.toFixed(6)} is below ${floor} for ${JSON.stringify(text.slice(0, 60))}`,
      { backend, fingerprint, worstCosine, floor, text: text.slice(0, 200) },
    );
  }
}

/**
 * A backend's vector for a probe has the right direction and another length, which a cosine cannot see: a forgotten
 * normalisation, most likely (invariant 2).
 */
export class ProbeNormError extends KimeraError {
  readonly code = 'PROBE_NORM';
  readonly kind = 'internal';
  constructor(
    readonly backend: string,
    readonly fingerprint: string,
    readonly actual: number,
    readonly expected: number,
    readonly text: string,
  ) {
    super(
      `backend "${backend}" does not produce space ${shortFingerprint(fingerprint)}: a probe's vector has length ${actual.toPrecision(4)} instead of ${expected.toPrecision(4)} for ${JSON.stringify(text.slice(0, 60))}`,
      { backend, fingerprint, actual, expected, text: text.slice(0, 200) },
    );
  }
}

/** A role that is neither `query` nor `document` nor the name of another prompt of the space. */
export class UnknownRoleError extends KimeraError {
  readonly code = 'UNKNOWN_ROLE';
  readonly kind = 'caller';
  constructor(
    readonly role: string,
    readonly known: readonly string[] = ROLES,
  ) {
    super(`unknown role "${role}": expected ${known.map((name) => JSON.stringify(name)).join(' or ')}`, {
      role,
      known,
    });
  }
}

/** A text that is within the limit of its model's files, and beyond the positions that the model has. */
export class TextBeyondPositionsError extends KimeraError {
  readonly code = 'TEXT_BEYOND_POSITIONS';
  readonly kind = 'caller';
  constructor(
    readonly tokens: number,
    readonly positions: number,
    readonly maxTokens: number,
  ) {
    super(
      `a text has ${tokens} tokens, the model has positions for ${positions}; its files allow ${maxTokens}, so the text is not cut: shorten it`,
      { tokens, positions, maxTokens },
    );
  }
}

/** A head was asked for that the model does not have. */
export class UnsupportedHeadError extends KimeraError {
  readonly code = 'UNSUPPORTED_HEAD';
  readonly kind = 'caller';
  constructor(
    readonly head: Head,
    readonly available: readonly Head[],
  ) {
    super(`head "${head}" is not available: this model has ${available.join(', ')}`, { head, available });
  }
}

/** The collection has no vectors in that space. */
export class UnknownSpaceError extends KimeraError {
  readonly code = 'UNKNOWN_SPACE';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly space: string,
  ) {
    super(`collection ${JSON.stringify(collection)} has no vectors in space ${shortFingerprint(space)}`, {
      collection,
      space,
    });
  }
}

/** Vectors of more numbers than the store can hold. */
export class DimensionTooLargeError extends KimeraError {
  readonly code = 'DIMENSION_TOO_LARGE';
  readonly kind = 'refused';
  constructor(
    readonly dimension: number,
    readonly limit: number,
  ) {
    super(`vectors of ${dimension} numbers cannot be stored, at most ${limit} can`, { dimension, limit });
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
      `space ${shortFingerprint(space)} is the active space of collection ${JSON.stringify(collection)}: its vectors cannot be dropped`,
      { collection, space },
    );
  }
}

/** A value that JSON cannot carry exactly. */
export class NotCanonicalError extends KimeraError {
  readonly code = 'NOT_CANONICAL';
  readonly kind = 'caller';
  constructor(value: unknown) {
    super(`${typeof value === 'number' ? String(value) : typeof value} has no canonical JSON form`, {
      type: typeof value,
    });
  }
}

/** Weights of a hybrid score whose sum is not above 0. */
export class HybridWeightsError extends KimeraError {
  readonly code = 'HYBRID_WEIGHTS';
  readonly kind = 'caller';
  constructor(readonly sum: number) {
    super(`the weights of a hybrid score add up to ${sum}, more than 0 is needed`, { sum });
  }
}

/** A token batch that breaks its contract; `reason` says how. */
export class InvalidTokenBatchError extends KimeraError {
  readonly code = 'INVALID_TOKEN_BATCH';
  readonly kind = 'caller';
  constructor(reason: string) {
    super(`invalid token batch: ${reason}`, { reason });
  }
}

/** No collection of that name. */
export class UnknownCollectionError extends KimeraError {
  readonly code = 'UNKNOWN_COLLECTION';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly known: readonly string[],
  ) {
    super(`there is no collection ${JSON.stringify(collection)} (there: ${known.join(', ') || 'none'})`, {
      collection,
      known,
    });
  }
}

/** A tenant of a collection whose rows have none. */
export class NoTenantsError extends KimeraError {
  readonly code = 'NO_TENANTS';
  readonly kind = 'caller';
  constructor(readonly collection: string) {
    super(`the rows of collection ${JSON.stringify(collection)} have no tenant: leave it out`, { collection });
  }
}

/** A column that the table of a collection does not have. */
export class RowColumnError extends KimeraError {
  readonly code = 'ROW_COLUMN';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly column: string,
  ) {
    super(`the table of collection ${JSON.stringify(collection)} has no column ${JSON.stringify(column)}`, {
      collection,
      column,
    });
  }
}

/** A column of the application's cannot be exchanged for some of its rows. */
export class TenantsInPlaceError extends KimeraError {
  readonly code = 'TENANTS_IN_PLACE';
  readonly kind = 'refused';
  constructor(readonly collection: string) {
    super(
      `the migration of collection ${JSON.stringify(collection)} exchanges a column of the application's table, which all tenants share: switch all at once`,
      { collection },
    );
  }
}

/** The source table was dropped or renamed. */
export class CollectionTableGoneError extends KimeraError {
  readonly code = 'COLLECTION_TABLE_GONE';
  readonly kind = 'refused';
  constructor(
    readonly collection: string,
    readonly table: string,
  ) {
    super(`the table ${table} of collection ${JSON.stringify(collection)} is not there any more`, {
      collection,
      table,
    });
  }
}

/** A column of the source table was renamed or dropped, or has another type. */
export class CollectionUnreadableError extends KimeraError {
  readonly code = 'COLLECTION_UNREADABLE';
  readonly kind = 'refused';
  constructor(
    readonly collection: string,
    readonly table: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `the table ${table} is not as it was when it became the collection ${JSON.stringify(collection)}: ${reason}`,
      { collection, table, reason },
      options,
    );
  }
}

/** Changes of the source table were not captured: what waits to be embedded is not known. */
export class CollectionBrokenError extends KimeraError {
  readonly code = 'COLLECTION_BROKEN';
  readonly kind = 'refused';
  constructor(
    readonly collection: string,
    readonly fault: string,
    readonly detail: string,
  ) {
    super(`the collection ${JSON.stringify(collection)} is broken (${fault}): ${detail}`, {
      collection,
      fault,
      detail,
    });
  }
}

/** What only a collection of our own allows: the rows of this one are the application's. */
export class ApplicationRowsError extends KimeraError {
  readonly code = 'APPLICATION_ROWS';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly table: string,
  ) {
    super(
      `the table ${table} of collection ${JSON.stringify(collection)} belongs to the application: change it by its SQL`,
      { collection, table },
    );
  }
}

/** A name that a created collection cannot have. */
export class InvalidCollectionNameError extends KimeraError {
  readonly code = 'INVALID_COLLECTION_NAME';
  readonly kind = 'caller';
  constructor(readonly collection: string) {
    super(
      `${JSON.stringify(collection.slice(0, 80))} cannot name a collection: a lower-case letter, then at most 40 of a-z, 0-9 and _`,
      { collection: collection.slice(0, 200) },
    );
  }
}

/** The name is taken. */
export class CollectionExistsError extends KimeraError {
  readonly code = 'COLLECTION_EXISTS';
  readonly kind = 'refused';
  constructor(readonly collection: string) {
    super(`the collection ${JSON.stringify(collection)} exists`, { collection });
  }
}

/** A row that the table cannot hold. */
export class InvalidRowError extends KimeraError {
  readonly code = 'INVALID_ROW';
  readonly kind = 'caller';
  constructor(
    readonly id: string,
    readonly reason: string,
  ) {
    super(`row ${JSON.stringify(id.slice(0, 80))}: ${reason}`, { id: id.slice(0, 200), reason });
  }
}

/** The collection has a migration that is not retired. */
export class MigrationUnderWayError extends KimeraError {
  readonly code = 'MIGRATION_UNDER_WAY';
  readonly kind = 'retryable';
  constructor(
    readonly collection: string,
    readonly migration: string,
    readonly state: MigrationState,
  ) {
    super(`collection ${JSON.stringify(collection)} has migration ${migration} in state ${state}: retire it first`, {
      collection,
      migration,
      state,
    });
  }
}

/** The collection has no migration. */
export class NoMigrationError extends KimeraError {
  readonly code = 'NO_MIGRATION';
  readonly kind = 'caller';
  constructor(readonly collection: string) {
    super(`collection ${JSON.stringify(collection)} has no migration: plan one first`, { collection });
  }
}

/** No migration of that id. */
export class UnknownMigrationError extends KimeraError {
  readonly code = 'UNKNOWN_MIGRATION';
  readonly kind = 'caller';
  constructor(readonly migration: string) {
    super(`there is no migration ${JSON.stringify(migration)}`, { migration });
  }
}

/** An action that the state does not allow. */
export class MigrationStateError extends KimeraError {
  readonly code = 'MIGRATION_STATE';
  readonly kind = 'refused';
  constructor(
    readonly migration: string,
    readonly event: string,
    readonly state: MigrationState,
    readonly expected: readonly MigrationState[],
  ) {
    super(
      state === 'retired'
        ? `migration ${migration} is retired and stays as it is: ${event} is for another one, plan it first`
        : `migration ${migration} is ${state}: ${event} is possible where it is ${expected.join(' or ')}`,
      { migration, event, state, expected },
    );
  }
}

/** Too many changes wait to be embedded for a switch of spaces under a lock. */
export class CatchUpError extends KimeraError {
  readonly code = 'CATCH_UP';
  readonly kind = 'retryable';
  constructor(
    readonly pending: number,
    readonly limit: number,
    /** What else was measured, by name. */
    readonly figures: Readonly<Record<string, number>> = {},
  ) {
    const more = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
    super(
      `${pending} changes wait to be embedded, at most ${limit} may while writers are held: let a worker catch up first${more.length === 0 ? '' : ` (${more.join(', ')})`}`,
      { pending, limit, ...figures },
    );
  }
}

/** Options under which no text can be encoded, such as fewer tokens than the special ones. */
export class InvalidEncodeOptionsError extends KimeraError {
  readonly code = 'INVALID_ENCODE_OPTIONS';
  readonly kind = 'caller';
  constructor(
    readonly maxTokens: number,
    readonly specialTokens: number,
  ) {
    super(`maxTokens is ${maxTokens}: a whole number of at least ${specialTokens}, the special tokens, is needed`, {
      maxTokens,
      specialTokens,
    });
  }
}

/** This processor adds products of 8 bits in 16 (no VNNI): the 8-bit variant would give other vectors. */
export class Int8SaturationError extends KimeraError {
  readonly code = 'INT8_SATURATION';
  readonly kind = 'internal';
  constructor(readonly graph: string) {
    super(
      `${graph}: products of 8 bits saturate on this processor (it has no VNNI), so the int8 variant would give other vectors: use the folder's full variant, or convert the model again, which adds a graph that is exact on every processor`,
      { graph },
    );
  }
}

/** The collection has no column of the application's that could be swapped. */
export class InPlaceColumnError extends KimeraError {
  readonly code = 'IN_PLACE_COLUMN';
  readonly kind = 'refused';
  constructor(
    readonly collection: string,
    readonly reason: string,
  ) {
    super(`collection ${collection} cannot be migrated in place: ${reason}`, { collection, reason });
  }
}
