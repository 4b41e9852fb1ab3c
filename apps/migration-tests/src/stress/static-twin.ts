import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { staticModelFiles } from '@kimera/backend-light';
import { z } from 'zod';
import { LIGHT_MODEL } from '../models.js';

const tokenizerFile = z.object({ model: z.object({ vocab: z.record(z.string(), z.number()) }) });

/**
 * A static model of its own space beside the one that ships: the same tokenizer, and a table [V, D] of numbers from a
 * fixed seed. As fast, and good for nothing but to be migrated from or to: like texts share tokens, and so directions.
 */
export async function writeStaticTwin(folder: string, dimension: number): Promise<void> {
  const tokenizerJson = await readFile(join(LIGHT_MODEL, 'tokenizer.json'), 'utf8');
  const { vocab } = tokenizerFile.parse(JSON.parse(tokenizerJson)).model;
  const vocabularySize = 1 + Math.max(...Object.values(vocab));
  let state = dimension;
  const rows = Float32Array.from({ length: vocabularySize * dimension }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  });
  const files = await staticModelFiles({
    modelId: `kimera/static-twin-${dimension}`,
    tokenizerJson,
    table: { dimension, vocabularySize, rows },
    precision: 'int8',
  });
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}
