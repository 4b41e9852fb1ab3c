import type { EmbeddingSpace, VariantName } from '../../space.js';
import type { Vector } from '../../vector.js';
import type { SourceRow } from './collection.js';

/** Who writes the vector column of an adopted table. */
export type VectorColumnWriter = 'keeper' | 'application';

/** A table of the application that is to become a collection. */
export interface AdoptionRequest {
  /** As people write it: `public.documents`. */
  readonly table: string;
  /** Name of the collection; made of the table's where absent. */
  readonly collection?: string;
  /** Columns of the id; those of the primary key where absent. */
  readonly id?: readonly string[];
  /** A column, or an SQL expression over the row's columns; found where absent. */
  readonly text?: string;
  /** A column; null: none. Where absent, that of a table whose framework is known. */
  readonly tenant?: string | null;
  /** The column of old vectors; null: none is read. Where absent, the only one. */
  readonly vector?: string | null;
  /** Must be there where a vector column is. */
  readonly vectorWriter?: VectorColumnWriter;
}

/** A request that passed every check; nothing is written yet. */
export interface Adoption {
  readonly collection: string;
  /** For people. */
  readonly table: string;
  readonly id: readonly string[];
  /** SQL over the row's columns. */
  readonly text: string;
  readonly tenant: string | null;
  readonly vector: { readonly column: string; readonly type: string; readonly writer: VectorColumnWriter } | null;
  readonly rows: number;
  /** `before`: it was begun by an earlier call, and goes on with {@link AdoptionStore.copyVectors}. */
  readonly begun: 'before' | 'now';
  /** `count` rows with a text and a value in the vector column, or all where there are fewer: the same for one seed. */
  sampleVectors(count: number, seed: number): Promise<readonly OldVector[]>;
  /**
   * One transaction: the collection is there and every change is captured; no row has a vector yet. `stamp` null: no
   * old vector is copied, every row is queued. @throws VectorDimensionError where the column takes vectors of another
   * dimension, which a sample tells more about; BusyError where the table is locked for too long.
   */
  begin(stamp: CopyStamp | null): Promise<void>;
}

/** A row and what the vector column holds for it. */
export interface OldVector extends SourceRow {
  /** [D]; null where the value is no vector of D finite numbers: `problem` says why. */
  readonly dense: Vector | null;
  readonly problem: string | null;
}

/** What is recorded with vectors that were copied: the model that was proven has no record of how they were made. */
export interface CopyStamp {
  readonly variant: VariantName;
  readonly tokenizerRevision: number;
}

/** How far the first vectors of an adopted collection are. */
export interface AdoptionProgress {
  readonly rows: number;
  /** Rows whose old vector was copied. */
  readonly copied: number;
  /** Of the copied: of a text that is longer than the model's limit, so that the vector is of a part of it. */
  readonly truncated: number;
  /** Rows that wait to be embedded: without an old vector, or with one that cannot be read. */
  readonly queued: number;
  /** Of the queued: with a value that is no vector of the space. */
  readonly unreadable: number;
  readonly finished: boolean;
}

/** Of each of these texts, whether it is longer than the limit of the collection's model. */
export type TextsCut = (texts: readonly string[]) => Promise<readonly boolean[]>;

/** Tables of applications become collections. */
export interface AdoptionStore {
  /** Nothing is written. @throws a refusal for each reason that stands against it. */
  check(request: AdoptionRequest, space: EmbeddingSpace): Promise<Adoption>;
  /**
   * The next rows in the order of the key, one transaction: their old vectors are copied where their text has not
   * changed since the adoption; the others are queued. Killed between two calls, it goes on where it was.
   * @param areCut of each text, whether the model sees only a part of it; called while no row is locked.
   */
  copyVectors(collection: string, limit: number, areCut: TextsCut): Promise<AdoptionProgress>;
  progress(collection: string): Promise<AdoptionProgress>;
}
