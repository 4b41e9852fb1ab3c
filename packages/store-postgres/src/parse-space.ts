import { DERIVED_DTYPES, type EmbeddingSpace, HEADS, POOLINGS } from '@kimera/core';
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
  defaultRole: z.string().optional(),
  namedPrompts: z.record(z.string(), z.string()).optional(),
  truncationSide: z.literal('left').optional(),
  modules: z.array(z.string()).optional(),
  encoder: z.looseObject({}).optional(),
  positions: z.int().positive().optional(),
  similarity: z.string().optional(),
  colbertDimension: z.int().positive().optional(),
  trainedDimensions: z.array(z.int().positive()).optional(),
  derived: z
    .object({
      parent: z.string(),
      normalize: z.literal(false).optional(),
      dimensions: z.int().positive().optional(),
      dtype: z.enum(DERIVED_DTYPES).optional(),
      trained: z.boolean().optional(),
    })
    .optional(),
});

/** A space as the database keeps it in `jsonb`. */
export function parseSpace(json: unknown): EmbeddingSpace {
  return spaceSchema.parse(json);
}
