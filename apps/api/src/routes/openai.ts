import type { Embedder } from '@kimera/embedder';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { embedInput } from '../http/embed-input.js';
import { HttpError } from '../errors.js';
import { MAX_INPUTS } from '../http/limits.js';
import { parseInput } from '../http/parse-input.js';
import { abortOnClose, checkSpace, describeSpace, parse } from '../http/request.js';
import type { Route } from '../http/route.js';
import { sendRows } from '../http/send-rows.js';
import { TokenLimit } from '../http/token-limit.js';
import type { AppParts } from '../app-parts.js';

const requestSchema = z.object({
  input: z.unknown(),
  model: z.string(),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.int().positive().optional(),
  user: z.string().optional(),
  input_type: z.string().optional(),
  truncate: z.boolean().optional(),
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

  const embeddings: RequestHandler = async (request, response) => {
    const body = parse(requestSchema, request.body);
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
    const empty = input.kind === 'texts' ? input.texts.indexOf('') : -1;
    if (empty >= 0) throw new HttpError('empty_input', `input ${empty} is an empty string`, 'input', { index: empty });
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
      signal: abortOnClose(response),
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
    { method: 'POST', paths: ['/v1/embeddings'], handle: embeddings },
    { method: 'GET', paths: ['/v1/models'], handle: list },
    // Ids contain a slash, raw or as %2F.
    { method: 'GET', paths: ['/v1/models/*id'], handle: one },
  ];
}

/** Little-endian float32. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
  return bytes.toString('base64');
}
