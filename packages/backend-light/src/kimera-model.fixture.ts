import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { normalize } from '@kimera/core';
import { parseTokenizer } from '@kimera/tokenizers';
import { staticModelFiles } from './folder/static-model-files.js';
import { root } from './fixtures.fixture.js';

/**
 * The tokenizer of fixtures/checkpoints/bert-tiny-mean: 800 pieces, with the fixed padding and truncation that
 * checkpoints carry.
 */
export const tinyTokenizerJson = JSON.stringify({
  ...JSON.parse(readFileSync(join(root, 'fixtures/checkpoints/bert-tiny-mean/tokenizer.json'), 'utf8')),
  truncation: { max_length: 8, strategy: 'LongestFirst', stride: 0, direction: 'Right' },
  padding: {
    strategy: { Fixed: 8 },
    direction: 'Right',
    pad_to_multiple_of: null,
    pad_id: 0,
    pad_type_id: 0,
    pad_token: '[PAD]',
  },
});

/** A static model of 800 tokens and 8 numbers: arbitrary directions, special tokens a millionth of the others. */
export function tinyModelFiles(precision: 'fp32' | 'int8'): ReturnType<typeof staticModelFiles> {
  const tokenizer = parseTokenizer(tinyTokenizerJson, 'tokenizer.json');
  const { vocabularySize } = tokenizer;
  const dimension = 8;
  const rows = new Float32Array(vocabularySize * dimension);
  for (let token = 0; token < vocabularySize; token++) {
    const direction = normalize(
      Float32Array.from({ length: dimension }, (_, d) => Math.sin((token + 1) * (d + 1) * 1.7)),
    );
    rows.set(
      direction.map((value) => value * (tokenizer.isSpecial(token) ? 1e-6 : 1 / (1 + (token % 7)))),
      token * dimension,
    );
  }
  return staticModelFiles({
    modelId: 'fixture/static-tiny',
    tokenizerJson: tinyTokenizerJson,
    table: { dimension, vocabularySize, rows },
    precision,
  });
}
