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
  /** Rows of a matrix by their index. */
  rows(name: string, indices: Iterable<number>): Promise<ReadonlyMap<number, Float32Array>>;
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
  const embedded = await embed(weights, shape, texts);
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

/** Words, positions and types of all texts, [T, D], summed; each row is read once. */
async function embed(
  weights: WeightReader,
  { embeddingSize: d, typeVocabularySize, padding }: EncoderShape,
  texts: readonly ArrayLike<number>[],
): Promise<Float64Array> {
  const words = texts.flatMap((ids) => Array.from(ids));
  const positions = texts.flatMap((ids) => {
    let counted = 0;
    return Array.from(ids, (id, t) => {
      if (padding === undefined) return t;
      return id === padding ? padding : padding + ++counted;
    });
  });
  const wordRows = await weights.rows('embeddings.word', words);
  const positionRows = await weights.rows('embeddings.position', positions);
  const type = typeVocabularySize === 0 ? undefined : (await weights.rows('embeddings.type', [0])).get(0);
  const sum = new Float64Array(words.length * d);
  for (let t = 0; t < words.length; t++) {
    const rows = [wordRows.get(words[t] as number), positionRows.get(positions[t] as number)] as Float32Array[];
    for (const values of type === undefined ? rows : [...rows, type])
      for (let i = 0; i < d; i++) sum[t * d + i] = (sum[t * d + i] as number) + (values[i] as number);
  }
  return sum;
}
