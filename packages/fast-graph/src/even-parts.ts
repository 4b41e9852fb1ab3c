import { batchSize, textIds, type TokenBatch } from '@kimera/core';

/**
 * The texts of a batch, by their index, in so many parts at most, of about as many tokens each: longest first, each text
 * to the part that has least.
 */
export function evenParts(batch: TokenBatch, parts: number): readonly (readonly number[])[] {
  const texts = [...Array(batchSize(batch)).keys()];
  if (parts <= 1) return [texts];
  const tokens = texts.map((text) => textIds(batch, text).length);
  const all = Array.from({ length: Math.min(parts, texts.length) }, () => ({ texts: [] as number[], tokens: 0 }));
  for (const text of texts.sort((a, b) => (tokens[b] ?? 0) - (tokens[a] ?? 0))) {
    const least = all.reduce((a, b) => (b.tokens < a.tokens ? b : a));
    least.texts.push(text);
    least.tokens += tokens[text] ?? 0;
  }
  return all.map((part) => part.texts);
}
