import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../../../..');

/** The tokenizer of fixtures/checkpoints/bert-tiny-mean: 800 pieces, with padding and truncation as checkpoints have. */
export const tinyTokenizerJson = readFileSync(join(root, 'fixtures/checkpoints/bert-tiny-mean/tokenizer.json'), 'utf8');
