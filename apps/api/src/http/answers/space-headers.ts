import type { EmbeddingSpace, VariantName } from '@kimera/core';
import type { Request, Response } from 'express';
import { HttpError } from '../../errors.js';
import { truncatedInputs } from './truncated-inputs.js';

/** What `describeSpace` sets, for the API document. */
export const SPACE_HEADERS = {
  'x-embedding-space': 'Fingerprint of the space of the vectors',
  'x-embedding-variant': 'Precision that they were computed in',
  'x-truncated-inputs':
    'Inputs that were cut, by index: ranges (`0-3,7`), or, where that is long, `bits:` and the base64 of one bit an input, the first in the lowest bit of the first byte; empty where none was. A text that others are compared with is the first',
} as const;

/**
 * A request may name the space that it wants its vectors in, in the header that answers name theirs with. @throws
 * HttpError where what it asks for is another.
 */
export function checkSpace(request: Request, { modelId, fingerprint }: EmbeddingSpace): void {
  const asked = request.get('x-embedding-space');
  if (asked !== undefined && asked !== fingerprint) {
    throw new HttpError(
      'space_mismatch',
      `what is asked of ${modelId} is in space ${fingerprint}, the header x-embedding-space asks for ${asked}`,
      'model',
      { asked, actual: fingerprint },
    );
  }
}

/** Invariant 1 over HTTP: the space of the vectors, the precision that they were computed in, and which inputs were cut. */
export function describeSpace(
  response: Response,
  { fingerprint }: EmbeddingSpace,
  embeddings: readonly { readonly truncated: boolean; readonly variant?: VariantName }[],
): void {
  response.setHeader('x-embedding-space', fingerprint);
  response.setHeader('x-embedding-variant', [...new Set(embeddings.flatMap(({ variant = [] }) => variant))].join(','));
  response.setHeader('x-truncated-inputs', truncatedInputs(embeddings));
}
