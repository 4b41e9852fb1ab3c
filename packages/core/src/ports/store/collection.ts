import { KimeraError } from '../../errors/kimera-error.js';

/** A table with an id, a text and perhaps a tenant, whose rows have vectors in one active space. */
export interface Collection {
  readonly name: string;
  /** The table, for people: `public.docs`. */
  readonly table: string;
  /** Fingerprint of the space that searches use. */
  readonly activeSpace: string;
}

/** A row of a collection. Ids are compared as text in byte order. What `upsertRows` takes is checked by `checkRows`. */
export interface Row {
  /** 1 to {@link MAX_ID_BYTES} bytes in UTF-8, no NUL, well-formed. */
  readonly id: string;
  /** No NUL: PostgreSQL's `text` cannot hold it. */
  readonly text: string;
}

export interface SourceRow extends Row {
  /** SHA-256 of the text in UTF-8, lower-case hex: says whether a vector still belongs to the text. */
  readonly contentHash: string;
}

/** Ids in (after, upTo], in byte order; null is open. */
export interface KeyRange {
  readonly after: string | null;
  readonly upTo: string | null;
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
