import {
  DimensionMismatchError,
  DimensionTooLargeError,
  InvalidCollectionNameError,
  InvalidRowError,
  ZeroVectorError,
} from '../../errors.js';
import type { EmbeddingSpace } from '../../space.js';
import { toWellFormed } from '../../text.js';
import { norm, type Vector } from '../../vector.js';
import type { Row } from './collection.js';

/** What a B-tree entry of PostgreSQL holds is a third of a page, 2,704 bytes; this leaves room. */
export const MAX_ID_BYTES = 1_024;
/** 41: with a suffix of ours a name stays below PostgreSQL's 63 bytes. */
const COLLECTION_NAME = /^[a-z][a-z0-9_]{0,40}$/;
const encoder = new TextEncoder();

/** @throws InvalidCollectionNameError. */
export function checkCollectionName(name: string): void {
  if (!COLLECTION_NAME.test(name)) throw new InvalidCollectionNameError(name);
}

/** @throws InvalidRowError where an id or a text cannot be stored, or an id comes twice. */
export function checkRows(rows: readonly Row[]): void {
  for (const { id, text } of rows) {
    const bytes = encoder.encode(id).length;
    if (bytes === 0) throw new InvalidRowError(id, 'the id is empty');
    if (bytes > MAX_ID_BYTES)
      throw new InvalidRowError(id, `the id has ${bytes} bytes, at most ${MAX_ID_BYTES} are stored`);
    if (id.includes('\0') || text.includes('\0')) throw new InvalidRowError(id, 'a NUL character cannot be stored');
    if (toWellFormed(id) !== id) throw new InvalidRowError(id, 'the id has a lone surrogate');
  }
  checkDistinctIds(rows);
}

/** @throws InvalidRowError. */
export function checkDistinctIds(rows: readonly { readonly id: string }[]): void {
  const seen = new Set<string>();
  for (const { id } of rows) {
    if (seen.has(id)) throw new InvalidRowError(id, 'the id comes twice in one call');
    seen.add(id);
  }
}

/**
 * @throws DimensionMismatchError, ZeroVectorError where a number is not finite or all are zero: such a vector has no
 * nearest rows.
 */
export function checkVector(dense: Vector, dimension: number, what: string): void {
  if (dense.length !== dimension) throw new DimensionMismatchError(dimension, dense.length, what);
  const length = norm(dense);
  if (!(length > 0) || !Number.isFinite(length)) throw new ZeroVectorError(what);
}

/** @throws DimensionTooLargeError where a store of that limit cannot hold vectors of the space. */
export function checkDimension({ dimension }: EmbeddingSpace, limit: number): void {
  if (dimension > limit) throw new DimensionTooLargeError(dimension, limit);
}
