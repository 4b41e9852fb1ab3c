import { z } from 'zod';
import { readJson } from '../json-file.js';

const tokenSchema = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);
const specialTokensSchema = z.looseObject({
  cls_token: tokenSchema.optional(),
  eos_token: tokenSchema.optional(),
  pad_token: tokenSchema.optional(),
  unk_token: tokenSchema.optional(),
});
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })).nullish(),
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
