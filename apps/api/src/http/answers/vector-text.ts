import { endianness } from 'node:os';
import { DERIVED_DTYPES, type DerivedDtype, type Derivation, type Embedding } from '@kimera/core';
import { z } from 'zod';
import { optional, withUsual } from '../fields/optional.js';

/** Numbers, or the base64 of their bytes. */
export const vectorSchema = z.union([z.array(z.number()), z.base64()]);

/** The fields that say which vectors are wanted, and how they are written. */
export const VECTOR_FIELDS = {
  dimensions: optional(z.int().min(1)).describe('The first n numbers, normalised again: a space of its own'),
  normalize: withUsual(z.boolean(), true).describe(
    'Whether vectors have length 1; those that have not are a space of their own',
  ),
  output_dtype: withUsual(z.enum(['float', ...DERIVED_DTYPES]), 'float').describe(
    'A number in 32 bits, in 8 or in one: a space of its own',
  ),
  encoding_format: withUsual(z.enum(['float', 'base64']), 'float'),
};

export type VectorForm = 'float' | 'base64';

export function derivationOf({
  dimensions,
  output_dtype: dtype,
  normalize,
}: {
  readonly dimensions?: number | undefined;
  readonly output_dtype?: 'float' | DerivedDtype;
  readonly normalize?: boolean;
}): Derivation {
  return {
    ...(normalize === false ? { normalize } : {}),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(dtype === undefined || dtype === 'float' ? {} : { dtype }),
  };
}

/** The dense vector of an embedding, whichever form its space has, for JSON. */
export function denseText({ dense, quantized }: Embedding, form: VectorForm): z.input<typeof vectorSchema> {
  const vector = quantized ?? dense ?? new Float32Array();
  return form === 'base64' ? base64(vector) : Array.from(vector);
}

/** Of the bytes; those of float32 are little-endian. */
export function base64(vector: Float32Array | Int8Array | Uint8Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  const isSwapped = vector instanceof Float32Array && endianness() === 'BE';
  return (isSwapped ? Buffer.from(bytes).swap32() : bytes).toString('base64');
}
