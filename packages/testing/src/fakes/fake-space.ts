import { createHash } from 'node:crypto';
import { canonicalJson, type EmbeddingSpace, parseJson } from '@kimera/core';

/**
 * A space for tests: 8 numbers, 64 tokens, no prompts, normalised; any field may be given. Two spaces with different
 * names have different fingerprints, and each is the fingerprint of its identity (docs/fingerprint.md).
 */
export function fakeSpace(
  name: string,
  fields: Partial<Omit<EmbeddingSpace, 'fingerprint' | 'modelId'>> = {},
): EmbeddingSpace {
  const { heads = ['dense'], colbertDimension, trainedDimensions, ...rest } = fields;
  const identity = {
    weights: sha256(`weights of ${name}`),
    tokenizer: sha256('one token a UTF-16 unit'),
    maxTokens: 64,
    pooling: ['mean'] as const,
    normalize: true,
    prompts: { query: '', document: '' },
    dimension: 8,
    ...rest,
  };
  const prompts = { query: identity.prompts.query, document: identity.prompts.document };
  // Through JSON, so that members which only some spaces have are left out where they are undefined.
  const json = parseJson(JSON.stringify({ schema: 'kimera-space/1', ...identity, prompts }));
  const fingerprint = sha256(canonicalJson(json));
  return {
    ...identity,
    fingerprint,
    modelId: `fake/${name}`,
    heads,
    ...(colbertDimension === undefined ? {} : { colbertDimension }),
    ...(trainedDimensions === undefined ? {} : { trainedDimensions }),
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
