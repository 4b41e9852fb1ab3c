import * as z from 'zod/mini';

/* The answers of the server, as much of them as the client gives on. */

const head = z.enum(['dense', 'sparse', 'colbert']);
const usage = z.object({ total_tokens: z.number() });

export const embeddingsAnswer = z.object({
  model: z.string(),
  data: z.array(z.object({ index: z.number(), embedding: z.string() })),
  usage,
});

const encodedItem = z.object({
  index: z.number(),
  dense: z.optional(z.string()),
  sparse: z.optional(z.record(z.string(), z.number())),
  colbert: z.optional(z.array(z.string())),
  tokens: z.optional(z.number()),
  total_tokens: z.optional(z.number()),
  truncated: z.optional(z.boolean()),
  error: z.optional(z.object({ code: z.string(), message: z.string() })),
});
export type EncodedItem = z.infer<typeof encodedItem>;
export const encodeAnswer = z.object({ model: z.string(), embedding_space: z.string(), data: z.array(encodedItem) });

const scores = z.object({
  dense: z.optional(z.number()),
  lexical: z.optional(z.number()),
  colbert: z.optional(z.number()),
});
export const similarityAnswer = z.object({ data: z.array(z.object({ index: z.number(), score: z.number(), scores })) });
export const rerankAnswer = z.object({
  results: z.array(z.object({ index: z.number(), relevance_score: z.number(), scores })),
});

const modelAnswer = z.object({
  id: z.string(),
  embedding_space: z.string(),
  dimension: z.number(),
  max_tokens: z.number(),
  heads: z._default(z.array(head), ['dense']),
  roles: z._default(z.array(z.string()), []),
});
export type ModelAnswer = z.infer<typeof modelAnswer>;
export const modelsAnswer = z.object({ data: z.array(modelAnswer) });

const spaceAnswer = z.object({
  id: z.string(),
  model: z.string(),
  parent: z.nullable(z.string()),
  dimension: z.number(),
  normalize: z.boolean(),
  dtype: z.string(),
  trained: z.boolean(),
  max_tokens: z.number(),
  heads: z.array(head),
});
export type SpaceAnswer = z.infer<typeof spaceAnswer>;
export const spacesAnswer = z.object({ data: z.array(spaceAnswer) });

const collectionAnswer = z.object({
  id: z.string(),
  model: z.string(),
  embedding_space: z.string(),
  other_spaces: z.array(z.string()),
});
export type CollectionAnswer = z.infer<typeof collectionAnswer>;
export const collectionsAnswer = z.object({ data: z.array(collectionAnswer) });

export const searchAnswer = z.object({
  embedding_space: z.string(),
  scan: z.string(),
  data: z.array(
    z.object({
      id: z.string(),
      score: z.number(),
      stale: z.boolean(),
      text: z.optional(z.string()),
    }),
  ),
});
