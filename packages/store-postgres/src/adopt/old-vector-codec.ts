import type { Vector } from '@kimera/core';
import { decodeVector } from '../vector-codec.js';
import type { Pgvector } from '../sql/pgvector.js';
import type { VectorStorage } from './table-description.js';

/** A value of the application's column: a vector of finite numbers with a direction, or why it is none. */
export type DecodedVector =
  { readonly dense: Vector; readonly problem: null } | { readonly dense: null; readonly problem: string };

interface StorageRules {
  /** SQL that gives the value's bytes or text. */
  readonly read: (column: string, pgvector: Pgvector) => string;
  readonly decode: (value: Buffer | string) => readonly number[] | Vector | string;
}

const asJson: StorageRules = { read: (column) => `${column}::text`, decode: decodeJson };
// to_json gives each number in the shortest form that reads back to the same bits, and no number for NaN.
const asArray: StorageRules = { read: (column) => `array_to_json(${column})::text`, decode: decodeJson };

const STORAGE: Readonly<Record<VectorStorage, StorageRules>> = {
  vector: { read: (column, pgvector) => sent(pgvector, column), decode: decodeSent },
  // Every float16 is a float32.
  halfvec: { read: (column, pgvector) => sent(pgvector, `${column}::${pgvector.name('vector')}`), decode: decodeSent },
  'real[]': asArray,
  'double precision[]': asArray,
  jsonb: asJson,
  json: asJson,
  bytea: { read: (column) => column, decode: decodeFloats },
};

/** SQL of a column's value as {@link decodeOldVector} takes it. */
export function readOldVector(storage: VectorStorage, column: string, pgvector: Pgvector): string {
  return STORAGE[storage].read(column, pgvector);
}

/** @param dimension null: any. */
export function decodeOldVector(
  storage: VectorStorage,
  value: Buffer | string,
  dimension: number | null,
): DecodedVector {
  const numbers = STORAGE[storage].decode(value);
  if (typeof numbers === 'string') return broken(numbers);
  if (dimension !== null && numbers.length !== dimension)
    return broken(`${numbers.length} numbers instead of ${dimension}`);
  const dense = Float32Array.from(numbers);
  if (!dense.every(Number.isFinite)) return broken('a number is not finite');
  if (!dense.some((each) => each !== 0)) return broken('every number is zero');
  return { dense, problem: null };
}

/** SQL: the binary form of a vector. */
function sent(pgvector: Pgvector, vector: string): string {
  return `${pgvector.name('vector_send')}(${vector})`;
}

function broken(problem: string): DecodedVector {
  return { dense: null, problem };
}

function decodeSent(value: Buffer | string): Vector | string {
  return typeof value === 'string' ? 'not bytes' : decodeVector(value);
}

function decodeJson(value: Buffer | string): readonly number[] | string {
  const parsed: unknown = JSON.parse(value.toString());
  if (!Array.isArray(parsed)) return 'not an array';
  const numbers = parsed.filter((each) => typeof each === 'number');
  return numbers.length === parsed.length ? numbers : 'not an array of numbers';
}

/** float32, little-endian: numpy's `tobytes` and Node's Float32Array on today's machines. */
function decodeFloats(value: Buffer | string): Vector | string {
  if (typeof value === 'string') return 'not bytes';
  if (value.length % 4 !== 0) return `${value.length} bytes are no whole number of float32`;
  return Float32Array.from({ length: value.length / 4 }, (_, i) => value.readFloatLE(i * 4));
}
