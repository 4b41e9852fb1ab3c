import { HEADS } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { AppParts } from '../app-parts.js';
import { HttpError } from '../errors.js';
import { callerOf } from '../http/admission/caller.js';
import { encodeItems, type Encoded } from '../http/embedding/encode-items.js';
import { optional, truncationDirection } from '../http/fields/optional.js';
import { MAX_INPUTS } from '../http/limits.js';
import { checkItemCount, inputField } from '../http/fields/parse-input.js';
import { measureOf, setComputeHeaders } from '../http/answers/request-measure.js';
import { describe } from '../http/fields/plain-words.js';
import { SPACE_HEADERS, checkSpace, describeSpace } from '../http/answers/space-headers.js';
import { roleNamed } from '../http/fields/role-named.js';
import { post, type Route } from '../http/route.js';
import { sendRows } from '../http/answers/send-rows.js';
import {
  base64,
  denseText,
  derivationOf,
  VECTOR_FIELDS,
  vectorSchema,
  type VectorForm,
} from '../http/answers/vector-text.js';

const requestSchema = z.object({
  inputs: inputField(MAX_INPUTS.openai),
  model: optional(z.string()).describe('Default: the model that the server is for'),
  role: optional(z.string()).describe('A role, or the name of another prompt of the model'),
  heads: optional(z.array(z.enum(HEADS)).min(1)),
  truncation_direction: truncationDirection,
  truncate: optional(z.boolean()).describe('Cuts inputs beyond the limit'),
  ...VECTOR_FIELDS,
});
type Body = z.infer<typeof requestSchema>;

const itemSchema = z.object({
  index: z.int(),
  dense: vectorSchema.optional(),
  sparse: z.record(z.string().regex(/^\d+$/), z.number()).optional().describe('Token id → weight'),
  colbert: z.array(vectorSchema).optional().describe('One vector a token'),
  tokens: z.int().optional().describe('That the model saw; those of the whole input are `total_tokens`'),
  total_tokens: z.int().optional(),
  truncated: z.boolean().optional(),
  error: z
    .object({ code: z.string(), message: z.string() })
    .optional()
    .describe('Instead of all that: why this input has no vectors'),
});

const answerSchema = z.object({
  object: z.literal('list'),
  model: z.string(),
  embedding_space: z.string(),
  data: z.array(itemSchema),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

/** POST /v1/encode: all heads of a model in one pass; one bad input fails alone. */
export function encodeRoutes({ models, names, autoTruncate, maxInputTokens }: AppParts): readonly Route[] {
  const answer = async (embedder: Embedder, body: Body, request: Request, response: Response): Promise<void> => {
    const derivation = derivationOf(body);
    const space = await embedder.spaceOf(derivation);
    checkSpace(request, space);
    const values = listOf(body.inputs);
    const measure = measureOf(response);
    const encoded = await encodeItems(embedder, values, {
      param: 'inputs',
      role: roleNamed(space, body.role, 'role'),
      heads: body.heads ?? ['dense'],
      derivation,
      truncationSide: body.truncation_direction,
      truncate: body.truncate ?? autoTruncate,
      bound: maxInputTokens,
      ...callerOf(response),
      measure,
    });
    describeSpace(
      response,
      space,
      encoded.map((one) => (one instanceof HttpError ? { truncated: false } : one)),
    );
    setComputeHeaders(response);
    const tokens = measure.totalTokens;
    await sendRows(response, {
      before: `{"object":"list","model":${JSON.stringify(space.modelId)},"embedding_space":"${space.fingerprint}","data":[`,
      items: encoded,
      row: (one, index) => itemOf(one, index, body.encoding_format),
      after: `],"usage":{"prompt_tokens":${tokens},"total_tokens":${tokens}}}`,
    });
  };

  return [
    post({
      paths: ['/v1/encode'],
      tag: 'Kimera',
      summary: 'Dense, sparse and ColBERT vectors from one pass; an input that is refused does not fail the others',
      headers: SPACE_HEADERS,
      body: requestSchema,
      answer: answerSchema,
      handle: async (body, request, response) =>
        body.model === undefined
          ? answer(models.usual, body, request, response)
          : names.use(body.model, (embedder) => answer(embedder, body, request, response)),
    }),
  ];
}

/** The items, not looked at: one text, and one list of ids, is an item. @throws HttpError. */
function listOf(inputs: unknown): readonly unknown[] {
  if (typeof inputs === 'string') return [inputs];
  if (!Array.isArray(inputs))
    throw new HttpError(
      'invalid_request',
      `inputs: expected a text, a list of token ids, or a list of texts and such lists, got ${describe(inputs)}`,
      'inputs',
    );
  const items: readonly unknown[] = inputs;
  if (items.length === 0) throw new HttpError('empty_input', 'inputs is an empty list', 'inputs');
  if (typeof items[0] === 'number') return [items];
  checkItemCount(items.length, MAX_INPUTS.openai, 'inputs');
  return items;
}

function itemOf(encoded: Encoded, index: number, form: VectorForm): z.input<typeof itemSchema> {
  if (encoded instanceof HttpError) return { index, error: { code: encoded.code, message: encoded.message } };
  const { dense, quantized, sparse, colbert, tokens, totalTokens, truncated } = encoded;
  const written = (vector: Float32Array): z.input<typeof vectorSchema> =>
    form === 'base64' ? base64(vector) : Array.from(vector);
  const heads = {
    ...(dense === undefined && quantized === undefined ? {} : { dense: denseText(encoded, form) }),
    ...(sparse === undefined ? {} : { sparse: Object.fromEntries(sparse) }),
    ...(colbert === undefined ? {} : { colbert: colbert.map(written) }),
  };
  return { index, ...heads, tokens, total_tokens: totalTokens, truncated };
}
