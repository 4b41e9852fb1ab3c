import type { BatchTokenizer, Tokenizer } from '@kimera/core';
import type { Probe } from '@kimera/model-folder/pure';
import type { FileSource } from './folder/file-source.js';
import type { StaticBackend } from './static-backend.js';

/** A static model that is ready to serve, in the parts that an Embedder is made of. */
export interface StaticModel {
  readonly backend: StaticBackend;
  /** Text to token ids, as the model's convention has it. */
  readonly tokenizer: BatchTokenizer;
  /** Empty for a model2vec folder, which carries none. */
  readonly probes: readonly Probe[];
}

export interface LoadStaticModelOptions {
  readonly files: FileSource;
  /** Of a model2vec folder, which does not say it; default: the source's name. */
  readonly modelId?: string;
  /** How batches are tokenised; default: on the caller's thread. */
  readonly openTokenizer?: (tokenizer: Tokenizer, source: TokenizerSource) => Promise<BatchTokenizer>;
}

/** Where a tokenizer came from: its name in the folder, and what was read. */
export interface TokenizerSource {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** What a loader of one kind of folder gets. */
export interface LoadParts extends Required<LoadStaticModelOptions> {
  readonly parseTokenizer: (json: string, file: string) => Tokenizer;
}
