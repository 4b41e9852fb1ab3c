import type { EncoderShape } from '@kimera/reference-encoder';
import type { ConfigClass } from './config-values.js';

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
  readonly configClass: ConfigClass;
  /** @param path of config.json, for messages. @throws InvalidConfigurationError, UnsupportedModelError. */
  shape(config: Readonly<Record<string, unknown>>, path: string): EncoderShape;
  /** Keys of a config.json that are neither used nor known to change no vector. */
  unknownConfigKeys(config: Readonly<Record<string, unknown>>): readonly string[];
  readonly embeddings: {
    readonly word: string;
    readonly position: string;
    /** Empty where there is no such table. */
    readonly type: string;
    readonly norm: string;
    /** The linear map after the norm; empty where the family has none. */
    readonly projection: string;
  };
  /** The table of numbers by distance; empty where the family has none. */
  readonly relativeBias: string;
  layer(index: number): LayerNames;
}
