import type { EncoderShape } from '@kimera/reference-encoder';

/** Names of a layer's linear maps and norms in a checkpoint, without `.weight` and `.bias`. */
export interface LayerNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly output: string;
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly norm: string;
}

/**
 * One encoder family: what its config.json must say and how its tensors are called. Its arithmetic is
 * that of ../graphs and of packages/reference-encoder.
 */
export interface Architecture {
  readonly modelType: string;
  /** Prefix of every name where the checkpoint is of a model with a head: `bert.`. */
  readonly prefix: string;
  /** @param path of config.json, for messages. @throws InvalidConfigurationError, UnsupportedModelError. */
  shape(config: Readonly<Record<string, unknown>>, path: string): EncoderShape;
  readonly embeddings: {
    readonly word: string;
    readonly position: string;
    readonly type: string;
    readonly norm: string;
  };
  layer(index: number): LayerNames;
}
