import type { EncoderIdentity } from '@kimera/core';
import type { EncoderShape } from '@kimera/reference-encoder';

/**
 * What changes an encoder's vectors and is not told by its weights, where it is not what the published models of its
 * kind and size have; undefined where nothing is. The usual values are part of the definition of the fingerprint
 * (docs/fingerprint.md): they never change.
 */
export function unusualEncoder(shape: EncoderShape): EncoderIdentity | undefined {
  const { activation, attentionHeads, layerNormEpsilon, padding } = shape;
  const firstPosition = padding === undefined ? 0 : padding + 1;
  const identity: EncoderIdentity = {
    ...(attentionHeads === usualHeads(shape.hiddenSize) ? {} : { attentionHeads }),
    ...(activation === 'gelu' ? {} : { activation }),
    ...(layerNormEpsilon === (padding === undefined ? 1e-12 : 1e-5) ? {} : { layerNormEpsilon }),
    ...(firstPosition === usualFirstPosition(shape) ? {} : { firstPosition }),
  };
  return Object.keys(identity).length === 0 ? undefined : identity;
}

/** RoBERTa and its kin (one token type) and MPNet (distances) count after the padding's id, 1; BERT from 0. */
function usualFirstPosition({ typeVocabularySize, relativeBiasRows }: EncoderShape): number {
  return typeVocabularySize === 1 || relativeBiasRows > 0 ? 2 : 0;
}

/** 12 heads up to 768 numbers (MiniLM, e5-small, BERT-base), 64 numbers a head elsewhere, 4 heads in toy models. */
function usualHeads(hiddenSize: number): number {
  if (hiddenSize <= 768 && hiddenSize % 12 === 0) return 12;
  return hiddenSize >= 128 && hiddenSize % 64 === 0 ? hiddenSize / 64 : 4;
}
