import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Tokenizer } from '@kimera/core';
import { TokenizerChangedError } from '../errors.js';
import { parseTokenizer } from '../parse-tokenizer.js';

/** A tokenizer, and the SHA-256 of the file that it came from, lower-case hex. */
export interface ReadTokenizer {
  readonly tokenizer: Tokenizer;
  readonly sha256: string;
}

/**
 * @param expected what the file must be; anything where undefined. @throws TokenizerChangedError, and as
 * parseTokenizer.
 */
export async function readTokenizer(path: string, expected?: string): Promise<ReadTokenizer> {
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (expected !== undefined && sha256 !== expected) throw new TokenizerChangedError(path, expected, sha256);
  return { sha256, tokenizer: parseTokenizer(bytes.toString('utf8'), path) };
}
