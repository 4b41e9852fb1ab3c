import type { Tokenizer } from '@kimera/core';

/** Each token of a vocabulary as a text of its own, between the tokenizer's special tokens: [CLS] t [SEP]. */
export function vocabularyTexts(tokenizer: Tokenizer): readonly Int32Array[] {
  const bare = [...tokenizer.encode('a', { maxTokens: 64, addSpecialTokens: false }).ids];
  const around = [...tokenizer.encode('a', { maxTokens: 64 }).ids];
  const places = Array.from({ length: around.length - bare.length + 1 }, (_, place) => place);
  const before = places.find((place) => bare.every((id, i) => around[place + i] === id)) ?? 0;
  const [prefix, suffix] = [around.slice(0, before), around.slice(before + bare.length)];
  return Array.from({ length: tokenizer.vocabularySize }, (_, token) => Int32Array.from([...prefix, token, ...suffix]));
}
