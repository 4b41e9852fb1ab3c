import type { Embedder } from '@kimera/embedder';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../http/caller.js';
import { embedInput } from '../http/embed-input.js';
import { HttpError } from '../errors.js';
import { MAX_INPUTS } from '../http/limits.js';
import { inputField, parseInput } from '../http/parse-input.js';
import { optional, withUsual } from '../http/fields.js';
import { checkSpace, describeSpace } from '../http/request.js';
import { get, post, type Route } from '../http/route.js';
import { sendRows } from '../http/send-rows.js';
import { TokenLimit } from '../http/token-limit.js';
import type { AppParts } from '../app-parts.js';

const requestSchema = z.object({
  input: inputField(MAX_INPUTS.openai),
  model: z.string(),
  encoding_format: withUsual(z.enum(['float', 'base64']), 'float'),
  dimensions: optional(z.int().min(1)),
  user: optional(z.string()),
  input_type: optional(z.string()),
  truncate: optional(z.boolean()),
  output_dtype: optional(z.enum(['float'])),
});

const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  embedding_space: z.string(),
});

const embeddingsSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

/** POST /v1/embeddings, GET /v1/models, GET /v1/models/{id}. */
export function openaiRoutes({ models, names, autoTruncate, maxInputTokens, started }: AppParts): readonly Route[] {
  const describe = ({ space: { modelId, fingerprint } }: Embedder) => ({
    id: modelId,
    object: 'model',
    created: started,
    owned_by: modelId.split('/')[0] ?? '',
    embedding_space: fingerprint,
  });

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
    checkSpace(request, embedder);
    const { modelId, dimension, maxTokens } = embedder.space;
    const tokenLimit = new TokenLimit({
      param: 'input',
      modelTokens: maxTokens,
      bound: maxInputTokens,
      truncate: body.truncate ?? autoTruncate,
      tooLong: (limit, actual, index) =>
        `input ${index} has ${actual} tokens, the limit is ${limit}; shorten it${limit === maxTokens ? ' or send "truncate": true' : ''}`,
    });
    const input = parseInput(body.input, {
      param: 'input',
      maxItems: MAX_INPUTS.openai,
      tokenLimit,
      empty: 'input is an empty list',
      tooMany: (limit, actual) => `input has ${actual} items, the limit is ${limit}`,
    });
    if (body.dimensions !== undefined && body.dimensions !== dimension) {
      throw new HttpError(
        'unsupported_dimensions',
        `dimensions is ${body.dimensions}: this model has ${dimension} and was not trained for fewer`,
        'dimensions',
        { limit: dimension, actual: body.dimensions },
      );
    }
    const embedded = await embedInput(embedder, input, {
      role: body.input_type,
      tokenLimit,
      ...callerOf(request, response),
    });
    describeSpace(response, embedder, embedded);
    const tokens = embedded.reduce((sum, embedding) => sum + embedding.tokens, 0);
    const base64Wanted = body.encoding_format === 'base64';
    await sendRows(response, {
      before: '{"object":"list","data":[',
      items: embedded,
      row: ({ dense = new Float32Array() }, index) => ({
        object: 'embedding',
        index,
        embedding: base64Wanted ? base64(dense) : Array.from(dense),
      }),
      after: `],"model":${JSON.stringify(modelId)},"usage":{"prompt_tokens":${tokens},"total_tokens":${tokens}}}`,
    });
  };

  const list: RequestHandler = (_request, response) => {
    response.json({ object: 'list', data: models.all.map(describe) });
  };

  const one: RequestHandler = async (request, response) => {
    const { id = '' } = request.params;
    const name = typeof id === 'string' ? id : id.join('/');
    await names.use(name, async (embedder) => void response.json(describe(embedder)));
  };

  return [
    post({
      paths: ['/v1/embeddings'],
      tag: 'OpenAI',
      summary: 'Vectors of texts or of token ids',
      body: requestSchema,
      answer: embeddingsSchema,
      handle: embeddings,
    }),
    get({
      paths: ['/v1/models'],
      tag: 'OpenAI',
      summary: 'The models',
      answer: z.object({ object: z.literal('list'), data: z.array(modelSchema) }),
      handle: list,
    }),
    // Ids contain a slash, raw or as %2F.
    get({ paths: ['/v1/models/*id'], tag: 'OpenAI', summary: 'A model', answer: modelSchema, handle: one }),
  ];
}

/** Little-endian float32. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
  return bytes.toString('base64');
}
