import type { EmbeddingSpace, VariantName } from '@kimera/core';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { HttpError } from '../errors.js';
import { inPlainWords } from './plain-words.js';

/** The body in the schema's type. @throws HttpError naming the first field that is wrong. */
export function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new Error('a schema refused a body without saying why');
  const param = issue.path.join('.');
  if (param === '') throw new HttpError('invalid_request', `the body must be a JSON object: ${inPlainWords(issue)}`);
  throw new HttpError('invalid_request', `${param}: ${inPlainWords(issue)}`, param);
}

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
  response.setHeader(
    'x-truncated-inputs',
    embeddings.flatMap(({ truncated }, index) => (truncated ? [index] : [])).join(','),
  );
}
