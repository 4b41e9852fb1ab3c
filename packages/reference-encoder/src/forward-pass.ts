import type { EncoderShape } from './encoder-shape.js';
import { FEED_FORWARD_ACTIVATIONS } from './activation.js';
import { add, attention, layerNorm } from './float64.js';
import { linear, type WeightSlices } from './linear.js';
import { relativeBias } from './relative-bias.js';

/**
 * Where the forward pass gets its weights, by their canonical names (docs/fingerprint.md): of a matrix it holds some
 * rows at a time, and of the word table only those it needs.
 */
export interface WeightReader {
  /** A weight as a whole. */
  tensor(name: string): Promise<Float32Array>;
  /** A matrix. */
  slices(name: string): WeightSlices;
  /** Row `index` of a matrix. */
  row(name: string, index: number): Promise<Float32Array>;
}

/**
 * Hidden states [T, D] of each text in float64, layer by layer over the tokens of all texts: each layer's weights are
 * read once.
 */
export async function forwardPass(
  weights: WeightReader,
  shape: EncoderShape,
  texts: readonly ArrayLike<number>[],
): Promise<readonly Float64Array[]> {
  const { attentionHeads, embeddingSize, hiddenSize, layers, layerNormEpsilon, relativeBiasRows } = shape;
  const activate = FEED_FORWARD_ACTIVATIONS[shape.activation];
  const tokens = texts.reduce((sum, ids) => sum + ids.length, 0);
  const row = rowsOnce(weights);
  const embedded = joined(await Promise.all(texts.map((ids) => embed(row, shape, ids))));
  let hidden = layerNorm(
    embedded,
    await weights.tensor('embeddings.norm.gain'),
    await weights.tensor('embeddings.norm.bias'),
    layerNormEpsilon,
  );
  if (embeddingSize !== hiddenSize)
    hidden = await linear(
      hidden,
      tokens,
      weights.slices('embeddings.projection.weight'),
      await weights.tensor('embeddings.projection.bias'),
    );
  const bias =
    relativeBiasRows === 0 ? undefined : relativeBias(await weights.tensor('attention.relative_bias'), attentionHeads);
  const apart = (states: Float64Array): readonly Float64Array[] => {
    let from = 0;
    return texts.map(({ length }) => states.subarray(from, (from += length * hiddenSize)));
  };
  for (let layer = 0; layer < layers; layer++) {
    const of = (suffix: string): Promise<Float32Array> => weights.tensor(`layers.${layer}.${suffix}`);
    const project = async (name: string, states: Float64Array): Promise<Float64Array> =>
      linear(states, tokens, weights.slices(`layers.${layer}.${name}.weight`), await of(`${name}.bias`));
    const norm = async (name: string, states: Float64Array): Promise<Float64Array> =>
      layerNorm(states, await of(`${name}.gain`), await of(`${name}.bias`), layerNormEpsilon);
    const [queries, keys, values] = [
      apart(await project('attention.query', hidden)),
      apart(await project('attention.key', hidden)),
      apart(await project('attention.value', hidden)),
    ];
    const mixed = joined(
      texts.map(({ length }, i) =>
        attention(
          queries[i] as Float64Array,
          keys[i] as Float64Array,
          values[i] as Float64Array,
          length,
          attentionHeads,
          bias,
        ),
      ),
    );
    const attended = await norm('attention.norm', add(await project('attention.output', mixed), hidden));
    hidden = await norm('norm', add(await project('down', activate(await project('up', attended))), attended));
  }
  return apart(hidden);
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let from = 0;
  for (const part of parts) {
    whole.set(part, from);
    from += part.length;
  }
  return whole;
}

/** Rows of matrices, each read once: texts share words and positions. */
function rowsOnce(weights: WeightReader): WeightReader['row'] {
  const read = new Map<string, Promise<Float32Array>>();
  return (name, index) => {
    const key = `${name} ${index}`;
    const known = read.get(key) ?? weights.row(name, index);
    read.set(key, known);
    return known;
  };
}

async function embed(
  row: WeightReader['row'],
  { embeddingSize: d, typeVocabularySize, padding }: EncoderShape,
  ids: ArrayLike<number>,
): Promise<Float64Array> {
  const sum = new Float64Array(ids.length * d);
  const type = typeVocabularySize === 0 ? undefined : await row('embeddings.type', 0);
  let counted = 0;
  for (let t = 0; t < ids.length; t++) {
    const id = ids[t] as number;
    let position = t;
    if (padding !== undefined) position = id === padding ? padding : padding + ++counted;
    const rows = [
      await row('embeddings.word', id),
      await row('embeddings.position', position),
      ...(type === undefined ? [] : [type]),
    ];
    for (const values of rows)
      for (let i = 0; i < d; i++) sum[t * d + i] = (sum[t * d + i] as number) + (values[i] as number);
  }
  return sum;
}
