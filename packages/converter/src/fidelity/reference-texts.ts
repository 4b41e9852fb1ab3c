import type { EncodeOptions, Tokenizer } from '@kimera/core';
import { elementCount } from '@kimera/safetensors';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { ReferenceText } from '@kimera/reference-encoder';

/**
 * Multiplications that the forward pass of a conversion may take with `reference: 'quick'`: three to four seconds of one
 * core (2.4e9 a second on an Intel Xeon of 2023). That is enough for every probe and held-out text of a model like
 * MiniLM, and for a few short ones of a model of bge-m3's size.
 */
const MULTIPLICATIONS = 8e9;

/**
 * The tokens of a prompt and its text as one, and how many of them are the prompt's (sentence-transformers 5.7: those
 * of the prompt alone without its last special token).
 */
export function referenceText(tokenizer: Tokenizer, prompt: string, text: string, limit: EncodeOptions): ReferenceText {
  const { ids } = tokenizer.encode(prompt + text, limit);
  if (prompt === '') return { ids, promptTokens: 0 };
  const alone = tokenizer.encode(prompt, limit).ids;
  const last = alone.at(-1);
  return {
    ids,
    promptTokens: alone.length - (last !== undefined && last === tokenizer.encode('', limit).ids.at(-1) ? 1 : 0),
  };
}

/** Tokens that the forward pass of a conversion may have. */
export function tokenBudget(model: CheckpointModel): number {
  const perToken = model
    .plans()
    .reduce(
      (sum, { name, shape }) => sum + (shape.length === 2 && !name.startsWith('embeddings.') ? elementCount(shape) : 0),
      0,
    );
  return MULTIPLICATIONS / perToken;
}

/**
 * The texts that fit into the budget, at least one. Where not all fit, the shortest are chosen; their order stays.
 */
export function withinBudget<T extends { readonly tokens: ReferenceText }>(
  texts: readonly T[],
  budget: number,
): readonly T[] {
  const chosen = new Set<T>();
  let left = budget;
  for (const text of [...texts].sort((a, b) => a.tokens.ids.length - b.tokens.ids.length)) {
    left -= text.tokens.ids.length;
    if (left < 0 && chosen.size > 0) break;
    chosen.add(text);
  }
  return texts.filter((text) => chosen.has(text));
}
