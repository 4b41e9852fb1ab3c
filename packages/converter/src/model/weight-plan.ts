import { elementCount } from '@kimera/safetensors';
import type { Architecture } from '../architectures/architecture.js';
import type { EncoderShape } from '@kimera/reference-encoder';

/** A weight of the model. */
export interface WeightPlan {
  /** Canonical name: hashed and stored under it, whatever the checkpoint calls the tensor. */
  readonly name: string;
  /** Names in checkpoints; the first one found is used. */
  readonly sources: readonly string[];
  readonly shape: readonly number[];
}

/** Weights that lie back to back in the data file under one name: fused graphs read them as one matrix. */
export interface WeightGroup {
  readonly name: string;
  readonly weights: readonly WeightPlan[];
  /** Whether the variant's precision applies; positions, types, norms, biases and heads are small and stay float32. */
  readonly precision: 'variant' | 'fp32';
}

/** Numbers of all its weights. */
export function groupElements({ weights }: WeightGroup): number {
  return weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

export function aloneGroup(precision: WeightGroup['precision'], plan: WeightPlan): WeightGroup {
  return { name: plan.name, weights: [plan], precision };
}

/** The encoder's weights in the order of the data file. */
export function encoderWeights(architecture: Architecture, shape: EncoderShape): readonly WeightGroup[] {
  const { layers, hiddenSize: d, embeddingSize: e, attentionHeads, intermediateSize: f, relativeBiasRows } = shape;
  const { vocabularySize, typeVocabularySize, positionRows } = shape;
  const plan = (name: string, source: string, shape: readonly number[]): WeightPlan => {
    // TensorFlow's names of a LayerNorm, kept by old checkpoints.
    const old = source.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta');
    return {
      name,
      sources: [
        source,
        `${architecture.prefix}${source}`,
        ...(old === source ? [] : [old, `${architecture.prefix}${old}`]),
      ],
      shape,
    };
  };
  const linear = (name: string, source: string, rows: number, columns: number): readonly WeightGroup[] => [
    aloneGroup('variant', plan(`${name}.weight`, `${source}.weight`, [rows, columns])),
    aloneGroup('fp32', plan(`${name}.bias`, `${source}.bias`, [rows])),
  ];
  const norm = (name: string, source: string, width = d): readonly WeightGroup[] => [
    aloneGroup('fp32', plan(`${name}.gain`, `${source}.weight`, [width])),
    aloneGroup('fp32', plan(`${name}.bias`, `${source}.bias`, [width])),
  ];
  const { embeddings } = architecture;
  const all: WeightGroup[] = [
    aloneGroup('variant', plan('embeddings.word', `${embeddings.word}.weight`, [vocabularySize, e])),
    aloneGroup('fp32', plan('embeddings.position', `${embeddings.position}.weight`, [positionRows, e])),
    ...(typeVocabularySize === 0
      ? []
      : [aloneGroup('fp32', plan('embeddings.type', `${embeddings.type}.weight`, [typeVocabularySize, e]))]),
    ...norm('embeddings.norm', embeddings.norm, e),
    ...(e === d ? [] : linear('embeddings.projection', embeddings.projection, d, e)),
    ...(relativeBiasRows === 0
      ? []
      : [
          aloneGroup(
            'fp32',
            plan('attention.relative_bias', `${architecture.relativeBias}.weight`, [relativeBiasRows, attentionHeads]),
          ),
        ]),
  ];
  for (let layer = 0; layer < layers; layer++) {
    const to = `layers.${layer}`;
    const from = architecture.layer(layer);
    const three = (kind: 'weight' | 'bias', shape: readonly number[]): WeightGroup => ({
      name: `${to}.attention.qkv.${kind}`,
      weights: (['query', 'key', 'value'] as const).map((part) =>
        plan(`${to}.attention.${part}.${kind}`, `${from[part]}.${kind}`, shape),
      ),
      precision: kind === 'weight' ? 'variant' : 'fp32',
    });
    all.push(
      three('weight', [d, d]),
      three('bias', [d]),
      ...linear(`${to}.attention.output`, from.output, d, d),
      ...norm(`${to}.attention.norm`, from.attentionNorm),
      ...linear(`${to}.up`, from.up, f, d),
      ...linear(`${to}.down`, from.down, d, f),
      ...norm(`${to}.norm`, from.norm),
    );
  }
  return all;
}
