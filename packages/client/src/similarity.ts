import { cosine, SpaceMismatchError } from '@kimera/core';
import type { Embedding } from './embedding.js';

/**
 * Cosine of two vectors of one space, from -1 to 1. Of two that the program names differently it does not compile.
 * @throws SpaceMismatchError.
 */
export function similarity<Name extends string>(
  a: Pick<Embedding<Name>, 'dense' | 'space'>,
  b: Pick<Embedding<NoInfer<Name>>, 'dense' | 'space'>,
): number {
  if (a.space !== b.space) throw new SpaceMismatchError(a.space, b.space, 'similarity');
  return cosine(a.dense, b.dense);
}
