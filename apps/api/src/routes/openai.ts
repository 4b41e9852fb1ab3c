import type { EmbeddingSpace } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { AppParts } from '../app-parts.js';
import { callerOf } from '../http/admission/caller.js';
import { embedInput } from '../http/embedding/embed-input.js';
import { optional, truncationDirection } from '../http/fields/optional.js';
import { MAX_INPUTS } from '../http/limits.js';
import { inputField, parseInput } from '../http/fields/parse-input.js';
import { measureOf, setComputeHeaders } from '../http/answers/request-measure.js';
import { SPACE_HEADERS, checkSpace, describeSpace } from '../http/answers/space-headers.js';
import { roleNamed, rolesOf } from '../http/fields/role-named.js';
import { get, post, type Route } from '../http/route.js';
import { sendRows } from '../http/answers/send-rows.js';
import { tooLong, TokenLimit } from '../http/embedding/token-limit.js';
import { denseText, derivationOf, VECTOR_FIELDS, vectorSchema } from '../http/answers/vector-text.js';

const requestSchema = z.object({
  input: inputField(MAX_INPUTS.openai),
  model: z.string(),
  ...VECTOR_FIELDS,
  user: optional(z.string()).describe('Of whoever asks behind the client; not looked at'),
  input_type: optional(z.string()).describe('A role, or the name of another prompt of the model'),
  truncation_direction: truncationDirection,
  truncate: optional(z.boolean()).describe('Cuts inputs beyond the limit'),
});

const embeddingsSchema = z.object({
  object: z.literal('list'),
  data: z.array(z.object({ object: z.literal('embedding'), index: z.int(), embedding: vectorSchema })),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  embedding_space: z.string(),
  dimension: z.int(),
  trained_dimensions: z.array(z.int()).describe('Fewer of them that the model was trained for'),
  max_tokens: z.int(),
  heads: z.array(z.enum(['dense', 'sparse', 'colbert'])),
  roles: z.array(z.string()),
});

/** POST /v1/embeddings, GET /v1/models, GET /v1/models/{id}. */
export function openaiRoutes({ names, autoTruncate, maxInputTokens, started }: AppParts): readonly Route[] {
  const embeddings = async (
    body: z.infer<typeof requestSchema>,
    request: Request,
    response: Response,
  ): Promise<void> => {
    await names.use(body.model, (embedder) => answer(embedder, body, request, response));
  };

  const answer = async (
    embedder: Embedder,
    body: z.infer<typeof requestSchema>,
    request: Request,
    response: Response,
  ): Promise<void> => {
    const derivation = derivationOf(body);
    const space = await embedder.spaceOf(derivation);
    checkSpace(request, space);
    const tokenLimit = new TokenLimit({
      param: 'input',
      modelTokens: space.maxTokens,
      bound: maxInputTokens,
      truncate: body.truncate ?? autoTruncate,
      tooLong: (limit, actual, index) => tooLong(`input ${index}`, limit, actual, space.maxTokens),
    });
    const input = parseInput(body.input, {
      param: 'input',
      maxItems: MAX_INPUTS.openai,
      tokenLimit,
      empty: 'input is an empty list',
      tooMany: (limit, actual) => `input has ${actual} items, the limit is ${limit}`,
    });
    const measure = measureOf(response);
    const embedded = await embedInput(embedder, input, {
      role: roleNamed(space, body.input_type, 'input_type'),
      derivation,
      truncationSide: body.truncation_direction,
      tokenLimit,
      ...callerOf(response),
      measure,
    });
    describeSpace(response, space, embedded);
    setComputeHeaders(response);
    const tokens = measure.totalTokens;
    await sendRows(response, {
      before: '{"object":"list","data":[',
      items: embedded,
      row: (embedding, index) => ({
        object: 'embedding',
        index,
        embedding: denseText(embedding, body.encoding_format),
      }),
      after: `],"model":${JSON.stringify(space.modelId)},"usage":{"prompt_tokens":${tokens},"total_tokens":${tokens}}}`,
    });
  };

  const list: RequestHandler = (_request, response) => {
    response.json({ object: 'list', data: names.spaces.map((space) => describeModel(space, started)) });
  };

  const one: RequestHandler = async (request, response) => {
    const { id = '' } = request.params;
    const name = (typeof id === 'string' ? id : id.join('/')).replace(/\/$/, '');
    await names.use(name, async ({ space }) => void response.json(describeModel(space, started)));
  };

  return [
    post({
      paths: ['/v1/embeddings'],
      tag: 'OpenAI',
      summary: 'Dense vectors of texts and token ids',
      headers: SPACE_HEADERS,
      body: requestSchema,
      answer: embeddingsSchema,
      handle: embeddings,
    }),
    get({
      paths: ['/v1/models'],
      tag: 'OpenAI',
      summary: 'The models, with their dimensions, limits, heads and roles',
      answer: z.object({ object: z.literal('list'), data: z.array(modelSchema) }),
      handle: list,
    }),
    // Ids contain a slash, raw or as %2F.
    get({ paths: ['/v1/models/*id'], tag: 'OpenAI', summary: 'A model', answer: modelSchema, handle: one }),
  ];
}

/** @param created Unix seconds. */
function describeModel(space: EmbeddingSpace, created: number): z.infer<typeof modelSchema> {
  return {
    id: space.modelId,
    object: 'model',
    created,
    owned_by: space.modelId.split('/')[0] ?? '',
    embedding_space: space.fingerprint,
    dimension: space.dimension,
    trained_dimensions: [...(space.trainedDimensions ?? [])],
    max_tokens: space.maxTokens,
    heads: [...space.heads],
    roles: [...rolesOf(space)],
  };
}
