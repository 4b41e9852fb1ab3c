import { join } from 'node:path';
import { tokenLimit, type EncodeOptions } from '@kimera/core';
import { openModelFolder, recordedHash } from '@kimera/model-folder';
import { createTokenizerPool, type TokenizerPool } from '@kimera/tokenizers';

const TOKENIZER = 'tokenizer.json';

/**
 * The tokenizer of a model folder, and where a text is cut there. @throws the folder's and the tokenizer's
 * errors.
 */
export async function openTokenizer(
  path: string,
): Promise<{ readonly tokenizer: TokenizerPool; readonly limit: EncodeOptions }> {
  const { space, file } = await openModelFolder(path);
  const tokenizer = await createTokenizerPool({
    tokenizerPath: join(path, TOKENIZER),
    sha256: recordedHash(path, file.files, TOKENIZER),
  });
  return { tokenizer, limit: tokenLimit(space) };
}
