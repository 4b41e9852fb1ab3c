import type { BatchTokenizer } from '@kimera/core';
import type { Probe } from '@kimera/model-folder/pure';
import type { StaticBackend } from './static-backend.js';

/** A static model that is ready to serve, in the parts that an Embedder is made of. */
export interface StaticModel {
  readonly backend: StaticBackend;
  /** Text to token ids, as the model's convention has it. */
  readonly tokenizer: BatchTokenizer;
  /** Empty for a model2vec folder, which carries none. */
  readonly probes: readonly Probe[];
}
