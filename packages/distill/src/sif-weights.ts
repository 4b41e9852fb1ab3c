/** a of the weights a / (a + frequency): model2vec's default. */
export const SIF_COEFFICIENT = 1e-4;

/**
 * How much a token says, [V] (smooth inverse frequency, Arora, Liang and Ma, 2017). Frequencies are Zipf's, by the rank
 * of the id among the words, since pieces of a vocabulary stand by falling frequency: as model2vec 0.9 does
 * (distill/inference.py, `compute_weights`). 0 for what is no word.
 */
export function sifWeights(vocabularySize: number, isWord: (token: number) => boolean): Float64Array {
  const inverseRanks = new Float64Array(vocabularySize);
  let rank = 2;
  let total = 0;
  for (let token = 0; token < vocabularySize; token++) {
    if (!isWord(token)) continue;
    inverseRanks[token] = 1 / rank++;
    total += inverseRanks[token] as number;
  }
  return inverseRanks.map((inverse) => (inverse === 0 ? 0 : SIF_COEFFICIENT / (SIF_COEFFICIENT + inverse / total)));
}
