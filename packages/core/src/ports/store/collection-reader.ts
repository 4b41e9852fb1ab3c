import type { Collection, KeyRange, SourceRow } from './collection.js';

/** The source rows of collections. @throws UnknownCollectionError where a collection is named. */
export interface CollectionReader {
  /** Of all collections, sorted. */
  names(): Promise<readonly string[]>;
  /** With the active space of that tenant: its own, or that of all. @throws NoTenantsError. */
  collection(name: string, tenant?: string): Promise<Collection>;
  countRows(name: string): Promise<number>;
  /**
   * The whole key space cut into ranges of at most `rows` rows each, first open at its start and last open at its end,
   * so that rows inserted later fall into one.
   */
  keyRanges(name: string, rows: number): Promise<readonly KeyRange[]>;
  /** In byte order of the id. */
  readRange(name: string, range: KeyRange): Promise<readonly SourceRow[]>;
  /**
   * Rows of the range that have no vector of their present text in the space, in the order of the key. @throws
   * UnknownSpaceError.
   */
  readRangeLacking(name: string, range: KeyRange, space: string): Promise<readonly SourceRow[]>;
  /** In no order; ids that are not there are left out. */
  readRows(name: string, ids: readonly string[]): Promise<readonly SourceRow[]>;
  /** `count` rows, or all where there are fewer: the same ones for the same seed and rows. */
  sampleRows(name: string, count: number, seed: number): Promise<readonly SourceRow[]>;
}
