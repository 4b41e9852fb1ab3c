import { DimensionMismatchError } from './errors.js';
import type { DerivedDtype } from './space.js';
import { cosine } from './vector.js';

type Bytes = Int8Array | Uint8Array;

/** Bits of a byte that are 1. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/**
 * Cosine of two vectors of one space with a dtype, from -1 to 1: of the numbers that int8 and uint8 stand for, of 1 and
 * -1 for each bit of binary and ubinary. @param dimension numbers of a vector, D, which its bytes do not tell where they
 * hold eight each. @throws DimensionMismatchError, ZeroVectorError.
 */
export function quantizedCosine(
  a: Bytes,
  b: Bytes,
  { dtype, dimension }: { readonly dtype: DerivedDtype; readonly dimension: number },
): number {
  switch (dtype) {
    case 'int8':
      return cosine(a, b);
    case 'uint8':
      return cosine(centred(a), centred(b));
    case 'binary':
    case 'ubinary':
      return 1 - (2 * differentBits(a, b)) / dimension;
  }
}

function centred(bytes: Bytes): Int16Array {
  return Int16Array.from(bytes, (byte) => byte - 128);
}

/** Both forms of a byte differ in the same bits: the one is the other minus 128. */
function differentBits(a: Bytes, b: Bytes): number {
  if (a.length !== b.length) throw new DimensionMismatchError(a.length, b.length, 'cosine of bits');
  let different = 0;
  for (let i = 0; i < a.length; i++) different += ONES[((a[i] as number) ^ (b[i] as number)) & 0xff] as number;
  return different;
}
