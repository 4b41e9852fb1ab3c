import type { BatchTokenizer } from '@kimera/core';
import type { Probe } from '@kimera/model-folder/pure';
import { inlineTokenizer } from '@kimera/tokenizers/pure';
import { CodePointTokenizer } from './code-point-tokenizer.js';
import { HashedBackend } from './hashed-backend.js';
import { hashedSpace, type HashedOptions } from './hashed-space.js';

/** A hashed model in the parts that an Embedder is made of; it has no files and so no probes. */
export interface HashedModel {
  readonly backend: HashedBackend;
  readonly tokenizer: BatchTokenizer;
  readonly probes: readonly Probe[];
}

/** `new Embedder(await openHashedModel())` embeds texts without any model. @throws InvalidHashedOptionsError. */
export async function openHashedModel(options: HashedOptions = {}): Promise<HashedModel> {
  const space = await hashedSpace(options);
  return {
    backend: new HashedBackend(space, options.seed ?? 0),
    tokenizer: inlineTokenizer(new CodePointTokenizer()),
    probes: [],
  };
}
