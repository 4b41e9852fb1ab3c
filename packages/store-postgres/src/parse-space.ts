import { type EmbeddingSpace, HEADS, POOLINGS, ROLES } from '@kimera/core';
import { z } from 'zod';

/** Fields that are not known here are kept: they belong to the identity. */
const spaceSchema = z.looseObject({
  fingerprint: z.string(),
  modelId: z.string(),
  heads: z.array(z.enum(HEADS)),
  weights: z.string(),
  tokenizer: z.string(),
  maxTokens: z.int().positive(),
  pooling: z.array(z.enum(POOLINGS)),
  normalize: z.boolean(),
  prompts: z.object({ query: z.string(), document: z.string() }),
  dimension: z.int().positive(),
  promptPooling: z.literal('excluded').optional(),
  defaultRole: z.enum(ROLES).optional(),
  colbertDimension: z.int().positive().optional(),
});

/** A space as the database keeps it in `jsonb`. */
export function parseSpace(json: unknown): EmbeddingSpace {
  return spaceSchema.parse(json);
}
