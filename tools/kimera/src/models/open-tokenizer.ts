import { join } from 'node:path';
import { openModelFolder } from '@kimera/model-folder';
import { createTokenizerPool, type TokenizerPool } from '@kimera/tokenizers';

/** The tokenizer of a model folder and the tokens a text may have there. @throws the folder's and the tokenizer's errors. */
export async function openTokenizer(path: string): Promise<{ readonly tokenizer: TokenizerPool; readonly maxTokens: number }> {
  const { space } = await openModelFolder(path);
  return { tokenizer: await createTokenizerPool({ tokenizerPath: join(path, 'tokenizer.json') }), maxTokens: space.maxTokens };
}
