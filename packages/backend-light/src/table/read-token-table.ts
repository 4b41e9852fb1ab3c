import type { VariantName } from '@kimera/core';
import { decodeFloats, decodeNumbers, type Tensor } from '@kimera/safetensors';
import { InvalidStaticModelError } from '../errors.js';
import type { TableNumbers, TokenTable } from './token-table.js';

export interface ReadTable {
  readonly table: TokenTable;
  /** By the type of the vectors. */
  readonly variant: VariantName;
}

/**
 * The table in the tensors of a model2vec file: vectors [R, D] (F32, F64, F16 or I8), `weights` [V] and `mapping` [V]
 * where there are any.
 * @param vectors the name of the vectors' tensor. @param vocabularySize V, of the tokenizer. @throws
 * InvalidStaticModelError.
 */
export function readTokenTable(
  tensors: ReadonlyMap<string, Tensor>,
  vectors: string,
  vocabularySize: number,
  source: string,
): ReadTable {
  const fail = (reason: string): never => {
    throw new InvalidStaticModelError(source, reason);
  };
  const tensor = tensors.get(vectors);
  if (tensor === undefined) return fail(`there is no tensor ${vectors}`);
  const [rowCount = 0, dimension = 0, ...rest] = tensor.shape;
  if (rest.length > 0 || rowCount === 0 || dimension === 0)
    return fail(`tensor ${vectors} has shape [${tensor.shape.join(', ')}], [rows, numbers] is needed`);
  const { rows, variant } = readRows(tensor, () =>
    fail(`tensor ${vectors} has the type ${tensor.type}; F32, F64, F16 and I8 are read`),
  );
  // Whole numbers are finite; there are millions of them.
  const notFinite = variant === 'int8' ? -1 : rows.findIndex((value) => !Number.isFinite(value));
  if (notFinite >= 0) fail(`tensor ${vectors} is not finite at element ${notFinite}`);
  const mapping = perToken(tensors, 'mapping', vocabularySize, fail);
  const weights = perToken(tensors, 'weights', vocabularySize, fail);
  if (mapping === undefined && rowCount !== vocabularySize)
    fail(`${rowCount} vectors, the tokenizer has ${vocabularySize} tokens`);
  const beyond = mapping?.findIndex((row) => !Number.isInteger(row) || row < 0 || row >= rowCount) ?? -1;
  if (beyond >= 0) fail(`token ${beyond} is mapped to row ${mapping?.[beyond]}, there are ${rowCount} rows`);
  return {
    table: {
      dimension,
      vocabularySize,
      rows,
      ...(mapping === undefined ? {} : { mapping: Int32Array.from(mapping) }),
      ...(weights === undefined ? {} : { weights: Float32Array.from(weights) }),
    },
    variant,
  };
}

function readRows(
  { type, bytes }: Tensor,
  unsupported: () => never,
): { readonly rows: TableNumbers; readonly variant: VariantName } {
  // A copy: a view of the file would keep all of it.
  if (type === 'I8') return { rows: new Int8Array(bytes.slice().buffer), variant: 'int8' };
  const rows = type === 'F32' || type === 'F64' || type === 'F16' ? decodeFloats(type, bytes.slice()) : undefined;
  return rows === undefined ? unsupported() : { rows, variant: type === 'F16' ? 'fp16' : 'fp32' };
}

/** A tensor [V], or undefined where the file has none of that name. */
function perToken(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  vocabularySize: number,
  fail: (reason: string) => never,
): Float64Array | undefined {
  const tensor = tensors.get(name);
  if (tensor === undefined) return undefined;
  if (tensor.shape.length !== 1 || tensor.shape[0] !== vocabularySize)
    return fail(`tensor ${name} has shape [${tensor.shape.join(', ')}], the tokenizer has ${vocabularySize} tokens`);
  const numbers =
    decodeNumbers(tensor.type, tensor.bytes) ?? fail(`tensor ${name} has the type ${tensor.type}, which is not read`);
  const notFinite = numbers.findIndex((value) => !Number.isFinite(Math.fround(value)));
  return notFinite < 0 ? numbers : fail(`tensor ${name} is not finite at element ${notFinite}`);
}
