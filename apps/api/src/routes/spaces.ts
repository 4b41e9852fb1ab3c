import type { SpaceDescription } from '@kimera/core';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { AppParts } from '../app-parts.js';
import { get, type Route } from '../http/route.js';

const spaceSchema = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('The fingerprint'),
  object: z.literal('space'),
  model: z.string(),
  parent: z.string().nullable().describe("The space that it is derived from; null where it is a model's own"),
  dimension: z.int(),
  normalize: z.boolean(),
  dtype: z.enum(['float32', 'int8', 'uint8', 'binary', 'ubinary']),
  trained: z.boolean().describe('Whether the model was trained for so many dimensions'),
  max_tokens: z.int(),
  heads: z.array(z.enum(['dense', 'sparse', 'colbert'])),
  colbert_dimension: z.int().nullable(),
});

/** GET /v1/spaces. */
export function spaceRoutes({ names }: AppParts): readonly Route[] {
  const list: RequestHandler = async (_request, response) => {
    const spaces = await Promise.all(names.all.map((embedder) => embedder.describeSpaces()));
    response.json({ object: 'list', data: spaces.flat().map(describe) });
  };
  return [
    get({
      paths: ['/v1/spaces'],
      tag: 'Kimera',
      summary: 'The spaces of the models that are open, and those derived from them that were asked for',
      answer: z.object({ object: z.literal('list'), data: z.array(spaceSchema) }),
      handle: list,
    }),
  ];
}

function describe(space: SpaceDescription): z.infer<typeof spaceSchema> {
  return {
    id: space.fingerprint,
    object: 'space',
    model: space.modelId,
    parent: space.parent,
    dimension: space.dimensions,
    normalize: space.normalize,
    dtype: space.dtype,
    trained: space.trained,
    max_tokens: space.maxTokens,
    heads: [...space.heads],
    colbert_dimension: space.colbertDimensions,
  };
}
