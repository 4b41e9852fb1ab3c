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
