import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Tokenizer } from '@kimera/core';
import { TokenizerChangedError } from '../errors.js';
import { parseTokenizer } from '../parse-tokenizer.js';

/** A tokenizer, and the file that it came from. */
export interface ReadTokenizer {
  readonly tokenizer: Tokenizer;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * @param expected SHA-256 that the file must have, lower-case hex; anything where undefined. @throws
 * TokenizerChangedError, and as parseTokenizer.
 */
export async function readTokenizer(path: string, expected?: string): Promise<ReadTokenizer> {
  const bytes = await readFile(path);
  if (expected !== undefined) {
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (actual !== expected) throw new TokenizerChangedError(path, expected, actual);
  }
  return { path, bytes, tokenizer: parseTokenizer(bytes.toString('utf8'), path) };
}
