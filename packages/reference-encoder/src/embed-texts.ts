import { type HeadsOfText, lexicalWeights, type Vector } from '@kimera/core';
import type { EncoderShape } from './encoder-shape.js';
import { forwardPass, type WeightReader } from './forward-pass.js';
import type { WeightSlices } from './linear.js';
import { poolReference, type ModuleChain } from './pooling.js';
import { colbertReference, sparseReference, type TokenHeads } from './token-heads.js';

/** A model as its checkpoint describes it. The converter's reader of checkpoints makes it. */
export interface ReferenceEncoder {
  readonly shape: EncoderShape;
  readonly modules: ModuleChain;
  readonly heads: TokenHeads;
  readonly weights: WeightReader;
}

/** A text for the forward pass. */
export interface ReferenceText {
  readonly ids: ArrayLike<number>;
  /** Tokens at its head that are the prompt's, [CLS] included; 0 where it has none. */
  readonly promptTokens: number;
}

/** What the checkpoint says a text is, computed in float64 and rounded to float32 at the end. */
export interface ReferenceOutput extends HeadsOfText {
  /** [T, D]. */
  readonly hidden: Float32Array;
  readonly dense: Vector;
  /** [D], dense before it was divided by its norm; where that is the model's last step. */
  readonly pooled?: Vector;
}

/** One text after the other, all heads; the weights are read once for all of them, layer by layer. */
export async function embedTexts(
  { shape, modules, heads, weights }: ReferenceEncoder,
  texts: readonly ReferenceText[],
): Promise<readonly ReferenceOutput[]> {
  const states = await forwardPass(
    weights,
    shape,
    texts.map(({ ids }) => ids),
  );
  const head = async (name: string): Promise<readonly [WeightSlices, Float32Array]> => [
    weights.slices(`heads.${name}.weight`),
    await weights.tensor(`heads.${name}.bias`),
  ];
  const outputs: ReferenceOutput[] = [];
  for (const [i, hidden] of states.entries()) {
    const { ids, promptTokens } = texts[i] as ReferenceText;
    const { dense, pooled } = await poolReference(hidden, ids.length, shape.hiddenSize, modules, promptTokens, weights);
    outputs.push({
      hidden: Float32Array.from(hidden),
      dense: Float32Array.from(dense),
      ...(pooled === undefined ? {} : { pooled: Float32Array.from(pooled) }),
      ...(heads.sparse === undefined
        ? {}
        : {
            sparse: lexicalWeights(
              ids,
              Float32Array.from(await sparseReference(hidden, ids.length, ...(await head('sparse')))),
              heads.sparse.ignoredIds,
            ),
          }),
      ...(heads.colbert === undefined
        ? {}
        : { colbert: Float32Array.from(await colbertReference(hidden, ids.length, ...(await head('colbert')))) }),
    });
  }
  return outputs;
}
