import { z } from 'zod';
import { UnsupportedModelError } from '@kimera/tensor-file';
import { readJson } from './json-file.js';

const tokenSchema = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);
const specialTokensSchema = z.looseObject({
  cls_token: tokenSchema.optional(),
  eos_token: tokenSchema.optional(),
  pad_token: tokenSchema.optional(),
  unk_token: tokenSchema.optional(),
});
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })).nullish(),
  normalizer: z.looseObject({ type: z.string() }).nullish(),
});

/**
 * Ids that FlagEmbedding (1.4.2, `_process_token_weights`) leaves out of lexical weights: of the cls, eos, pad and unk
 * tokens. @param tokenizer tokenizer.json, parsed.
 */
export async function ignoredTokenIds(folder: string, tokenizer: unknown): Promise<readonly number[]> {
  const special = await readJson(folder, 'special_tokens_map.json', specialTokensSchema);
  const names = [special?.cls_token, special?.eos_token, special?.pad_token, special?.unk_token];
  const added = tokenizerSchema.safeParse(tokenizer).data?.added_tokens ?? [];
  const ids = added.filter(({ content }) => names.includes(content)).map(({ id }) => id);
  return [...new Set(ids)].sort((a, b) => a - b);
}

/**
 * tokenizer.json of a model with do_lower_case: sentence-transformers 5.7 puts a lower-casing step before the
 * tokenizer's own normaliser (special tokens that the text spells are found before it). Written into the file, so that
 * every reader of the folder does it.
 * @throws UnsupportedModelError
 * for other normalisers.
 */
export function lowerCasingTokenizer(tokenizerJson: string): string {
  const tokenizer = tokenizerSchema.safeParse(parseTokenizerJson(tokenizerJson)).data;
  const normalizer = tokenizer?.normalizer;
  if (tokenizer === undefined || normalizer?.type !== 'BertNormalizer')
    throw new UnsupportedModelError('do_lower_case with the normaliser', normalizer?.type ?? 'none', [
      'BertNormalizer',
    ]);
  // strip_accents null means "as lowercase says": write the old value down before lowercase changes.
  const stripAccents = normalizer['strip_accents'] ?? normalizer['lowercase'] ?? true;
  return `${JSON.stringify({ ...tokenizer, normalizer: { ...normalizer, lowercase: true, strip_accents: stripAccents } })}\n`;
}

/** Undefined where it is not JSON, which the tokenizer's own reader refuses. */
export function parseTokenizerJson(tokenizerJson: string): unknown {
  try {
    return JSON.parse(tokenizerJson);
  } catch {
    return undefined;
  }
}
