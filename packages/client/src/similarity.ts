import { cosine, quantizedCosine, SpaceMismatchError } from '@kimera/core';
import type { Embedding, VectorType, VectorTypes } from './embedding.js';

type Compared<Name extends string, Type extends VectorType> = Pick<
  Embedding<Name, Type>,
  'dense' | 'type' | 'dimension' | 'space'
>;

/**
 * Cosine of two vectors of one space, from -1 to 1, whatever their numbers are written in. Of two that the program names
 * differently it does not compile. @throws SpaceMismatchError.
 */
export function similarity<Name extends string, Type extends VectorType>(
  a: Compared<Name, Type>,
  b: Compared<NoInfer<Name>, NoInfer<Type>>,
): number {
  if (a.space !== b.space) throw new SpaceMismatchError(a.space, b.space, 'similarity');
  const { dimension } = a;
  const type: VectorType = a.type;
  const first: VectorTypes[VectorType] = a.dense;
  const second: VectorTypes[VectorType] = b.dense;
  if (type === 'float' || first instanceof Float32Array || second instanceof Float32Array) return cosine(first, second);
  return quantizedCosine(first, second, { dtype: type, dimension });
}
