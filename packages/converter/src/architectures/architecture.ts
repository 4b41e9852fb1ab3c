import type { Pooling } from '@kimera/core';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { OnnxGraph } from '../onnx/onnx-graph.js';
import type { WeightFile } from '../weights/weight-file.js';

/** A weight of the encoder. */
export interface WeightPlan {
  /** Under which it is hashed and stored, the same whatever the checkpoint calls it. */
  readonly name: string;
  /** Names in checkpoints, the first that is there is taken. */
  readonly sources: readonly string[];
  readonly shape: readonly number[];
}

/** Weights that lie back to back in the data file under one name: fused graphs read them as one matrix. */
export interface WeightGroup {
  readonly name: string;
  readonly weights: readonly WeightPlan[];
}

export interface EncoderShape {
  readonly type: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  readonly typeVocabularySize: number;
  readonly maxPositions: number;
  readonly layerNormEpsilon: number;
}

/** One encoder family: what its config must say, which weights it has, its two graphs, and its reference. */
export interface Architecture {
  readonly modelType: string;
  /** @throws InvalidConfigurationError, UnsupportedModelError. */
  shape(checkpoint: Checkpoint): EncoderShape;
  groups(shape: EncoderShape): readonly WeightGroup[];
  /** input_ids, attention_mask, token_type_ids [B, T] → last_hidden_state [B, T, D]. */
  portable(graph: OnnxGraph, weights: WeightFile, shape: EncoderShape): void;
  /** input_ids [B, T] of equal lengths → dense [B, P·D]. */
  fast(graph: OnnxGraph, weights: WeightFile, shape: EncoderShape, pooling: readonly Pooling[], normalize: boolean): void;
  /** Hidden states [T, D] of one text in float64. */
  reference(weights: ReadonlyMap<string, Float32Array>, shape: EncoderShape, ids: ArrayLike<number>): Float64Array;
}
