import type { EncoderShape } from '../architectures/architecture.js';
import { add, attention, gelu, layerNorm, linear } from '../reference/float64.js';

/** Where the forward pass gets its weights: it holds those of one layer at a time, and of the word table only the rows it needs. */
export interface WeightReader {
  /** A weight by its canonical name. */
  tensor(name: string): Promise<Float32Array>;
  /** Row `index` of a matrix. */
  row(name: string, index: number): Promise<Float32Array>;
}

/** Hidden states [T, D] of each text in float64, layer by layer over all texts: each layer's weights are read once. */
export async function forwardPass(weights: WeightReader, shape: EncoderShape, texts: readonly ArrayLike<number>[]): Promise<readonly Float64Array[]> {
  const { attentionHeads, layers, layerNormEpsilon } = shape;
  const gain = await weights.tensor('embeddings.norm.gain');
  const bias = await weights.tensor('embeddings.norm.bias');
  const hidden: Float64Array[] = [];
  for (const ids of texts) hidden.push(layerNorm(await embed(weights, shape, ids), gain, bias, layerNormEpsilon));
  for (let layer = 0; layer < layers; layer++) {
    const of = (suffix: string): Promise<Float32Array> => weights.tensor(`layers.${layer}.${suffix}`);
    const map = async (name: string): Promise<readonly [Float32Array, Float32Array]> => [await of(`${name}.weight`), await of(`${name}.bias`)];
    const norm = async (name: string): Promise<readonly [Float32Array, Float32Array]> => [await of(`${name}.gain`), await of(`${name}.bias`)];
    const [query, key, value, output, up, down] = [await map('attention.query'), await map('attention.key'), await map('attention.value'), await map('attention.output'), await map('up'), await map('down')];
    const [attentionNorm, lastNorm] = [await norm('attention.norm'), await norm('norm')];
    for (const [text, before] of hidden.entries()) {
      const tokens = before.length / shape.hiddenSize;
      const mixed = attention(linear(before, tokens, ...query), linear(before, tokens, ...key), linear(before, tokens, ...value), tokens, attentionHeads);
      const attended = layerNorm(add(linear(mixed, tokens, ...output), before), ...attentionNorm, layerNormEpsilon);
      hidden[text] = layerNorm(add(linear(gelu(linear(attended, tokens, ...up)), tokens, ...down), attended), ...lastNorm, layerNormEpsilon);
    }
  }
  return hidden;
}

async function embed(weights: WeightReader, { hiddenSize: d, typeVocabularySize, padding }: EncoderShape, ids: ArrayLike<number>): Promise<Float64Array> {
  const sum = new Float64Array(ids.length * d);
  const type = typeVocabularySize === 0 ? undefined : await weights.row('embeddings.type', 0);
  let counted = 0;
  for (let t = 0; t < ids.length; t++) {
    const id = ids[t] as number;
    let position = t;
    if (padding !== undefined) position = id === padding ? padding : padding + ++counted;
    const rows = [await weights.row('embeddings.word', id), await weights.row('embeddings.position', position), ...(type === undefined ? [] : [type])];
    for (const row of rows) for (let i = 0; i < d; i++) sum[t * d + i] = (sum[t * d + i] as number) + (row[i] as number);
  }
  return sum;
}
