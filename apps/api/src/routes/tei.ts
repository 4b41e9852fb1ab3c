import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { AppParts } from '../app-parts.js';
import { callerOf } from '../http/caller.js';
import { embedInput } from '../http/embed-input.js';
import { HttpError } from '../errors.js';
import { MAX_INPUTS } from '../http/limits.js';
import { optional, withUsual } from '../http/fields.js';
import { inputField, parseInput } from '../http/parse-input.js';
import { describeSpace } from '../http/request.js';
import { get, post, type Route } from '../http/route.js';
import { sendRows } from '../http/send-rows.js';
import { TokenLimit } from '../http/token-limit.js';

const requestSchema = z.object({
  inputs: inputField(MAX_INPUTS.tei),
  truncate: optional(z.boolean()),
  normalize: withUsual(z.boolean(), true),
  prompt_name: optional(z.string()),
  dimensions: optional(z.int().min(1)),
});

/** text-embeddings-inference: POST /embed and /, GET /info, /health, /ping. */
export function teiRoutes({ models, autoTruncate, maxInputTokens, version }: AppParts): readonly Route[] {
  const embed = async (body: z.infer<typeof requestSchema>, request: Request, response: Response): Promise<void> => {
    const asked = request.get('x-embedding-space');
    const embedder = asked === undefined ? models.usual : models.inSpace(asked);
    const { space } = embedder;
    const tokenLimit = new TokenLimit({
      param: 'inputs',
      modelTokens: space.maxTokens,
      bound: maxInputTokens,
      truncate: body.truncate ?? autoTruncate,
      tooLong: (limit, actual) => `\`inputs\` must have less than ${limit} tokens. Given: ${actual}`,
    });
    const input = parseInput(body.inputs, {
      param: 'inputs',
      maxItems: MAX_INPUTS.tei,
      tokenLimit,
      empty: '`inputs` cannot be empty',
      tooMany: (limit, actual) => `\`inputs\` must have at most ${limit} items. Given: ${actual}`,
    });
    if (!body.normalize && space.normalize)
      throw new HttpError(
        'invalid_request',
        "`normalize` false: normalisation is part of this model's vector space and cannot be left out",
      );
    const dimensions = body.dimensions ?? space.dimension;
    if (dimensions !== space.dimension)
      throw new HttpError('unsupported_dimensions', `\`dimensions\` must be ${space.dimension}. Given: ${dimensions}`);
    // e5's word for a document, where the model has no prompt of that name.
    const isPassage = body.prompt_name === 'passage' && !Object.hasOwn(space.namedPrompts ?? {}, 'passage');
    const role = isPassage ? 'document' : body.prompt_name;
    const started = performance.now();
    const embeddings = await embedInput(embedder, input, {
      role: role ?? undefined,
      tokenLimit,
      ...callerOf(request, response),
    });
    describeSpace(response, embedder, embeddings);
    const elapsed = String(Math.round(performance.now() - started));
    response.setHeader('x-compute-type', 'cpu').setHeader('x-compute-time', elapsed).setHeader('x-total-time', elapsed);
    response.setHeader('x-compute-tokens', String(embeddings.reduce((sum, { tokens }) => sum + tokens, 0)));
    await sendRows(response, {
      before: '[',
      after: ']',
      items: embeddings,
      row: ({ dense = new Float32Array() }) => Array.from(dense),
    });
  };

  const info: RequestHandler = (_request, response) => {
    const embedder = models.usual;
    const { space } = embedder;
    const { backend, variant, fallback, ...stats } = embedder.getPerformanceStats();
    const health = models.health();
    response.json({
      model_id: space.modelId,
      model_sha: null,
      model_dtype: variant,
      model_type: { embedding: { pooling: space.pooling.join('+') } },
      max_input_length: Math.min(space.maxTokens, maxInputTokens ?? space.maxTokens),
      auto_truncate: autoTruncate,
      version,
      embedding_space: space.fingerprint,
      dimension: space.dimension,
      backend,
      status: health.status,
      ...(health.reason === undefined ? {} : { reason: health.reason }),
      fallback,
      stats,
    });
  };

  const health: RequestHandler = (_request, response) => {
    const state = models.health();
    if (state.status === 'unavailable') {
      response.status(503).json(state);
      return;
    }
    const { status, reason, embedder } = state;
    const { backend, variant } = embedder.getPerformanceStats();
    response.json({
      status,
      model: embedder.space.modelId,
      space: embedder.space.fingerprint,
      backend,
      variant,
      ...(reason === undefined ? {} : { reason }),
    });
  };

  return [
    post({
      paths: ['/embed', '/'],
      tag: 'text-embeddings-inference',
      summary: 'Vectors of texts or of token ids',
      body: requestSchema,
      answer: z.array(z.array(z.number())),
      handle: embed,
    }),
    get({
      paths: ['/info'],
      tag: 'text-embeddings-inference',
      summary: 'The model and its limits',
      answer: z.looseObject({ model_id: z.string() }),
      handle: info,
    }),
    get({
      paths: ['/health', '/ping', '/'],
      tag: 'Operations',
      summary: 'Whether the model serves',
      open: true,
      answer: z.looseObject({ status: z.enum(['ok', 'degraded', 'unavailable']) }),
      handle: health,
    }),
  ];
}
