import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeVector } from '@kimera/model-folder';
import { z } from 'zod';
import { root } from '../machine.js';

export const LEAST_COSINE = 0.9999;
/** Texts with their vectors, by sentence-transformers (fixtures/minilm). */
export const goldens = z
  .object({ cases: z.array(z.object({ text: z.string(), embedding: z.string(), truncated: z.boolean() })) })
  .parse(JSON.parse(readFileSync(join(root, 'fixtures/minilm/expected.json'), 'utf8')))
  .cases.filter(({ text, truncated }) => !truncated && text !== '')
  .map(({ text, embedding }) => ({ text, vector: decodeVector(embedding) }));

export const teiAnswer = z.array(z.array(z.number()));
