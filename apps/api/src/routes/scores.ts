import type { EmbeddingSpace, PromptName } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { Request, Response } from 'express';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import type { AppParts } from '../app-parts.js';
import { HttpError } from '../errors.js';
import { callerOf } from '../http/admission/caller.js';
import { embedInput } from '../http/embedding/embed-input.js';
import { optional, withUsual } from '../http/fields/optional.js';
import { MAX_INPUTS } from '../http/limits.js';
import { measureOf, setComputeHeaders } from '../http/answers/request-measure.js';
import { SPACE_HEADERS, checkSpace, describeSpace } from '../http/answers/space-headers.js';
import { roleNamed } from '../http/fields/role-named.js';
import { post, type Route } from '../http/route.js';
import {
  HEAD_OF_SCORE,
  headsOf,
  scoreNamed,
  SCORES,
  scoresOf,
  USUAL_WEIGHTS,
  type SingleScores,
} from '../http/embedding/text-scores.js';
import { tooLong, TokenLimit } from '../http/embedding/token-limit.js';
import { derivationOf, VECTOR_FIELDS } from '../http/answers/vector-text.js';

const { dimensions, normalize, output_dtype } = VECTOR_FIELDS;
const weight = optional(z.number().min(0).max(1_000_000));
const COMMON = {
  model: optional(z.string()).describe('Default: the model that the server is for'),
  score: withUsual(z.enum(SCORES), 'dense').describe(
    '`hybrid`: the weighted mean of the scores of the heads that the model has',
  ),
  weights: optional(z.object({ dense: weight, lexical: weight, colbert: weight })).describe('Of a hybrid score'),
  truncate: optional(z.boolean()).describe('Cuts texts beyond the limit'),
  dimensions,
  normalize,
  output_dtype,
};

const text = z.string().min(1);
const similaritySchema = z.object({
  source: text,
  targets: z.array(text).min(1).max(MAX_INPUTS.openai),
  role: optional(z.string()).describe('Of all texts'),
  ...COMMON,
});

const rerankSchema = z.object({
  query: text,
  documents: z
    .array(z.union([text, z.object({ text })], 'a text that is not empty, or an object with one as "text"'))
    .min(1)
    .max(MAX_INPUTS.openai),
  top_n: optional(z.int().min(1)).describe('The best so many; default: all'),
  return_documents: withUsual(z.boolean(), false),
  ...COMMON,
});

const scoresSchema = z.object({
  dense: z.number().optional(),
  lexical: z.number().optional(),
  colbert: z.number().optional(),
});
const usageSchema = z.object({ prompt_tokens: z.int(), total_tokens: z.int() });

interface Texts {
  /** The first is what the others are compared with. */
  readonly texts: readonly string[];
  readonly roles: readonly [first: PromptName | undefined, others: PromptName | undefined];
  readonly param: string;
}

type Common = z.infer<z.ZodObject<typeof COMMON>>;

interface Scored {
  readonly model: string;
  readonly scored: readonly { readonly index: number; readonly score: number; readonly scores: SingleScores }[];
  readonly usage: z.infer<typeof usageSchema>;
}

/** Those of the body, or the usual ones where it has none. @throws HttpError where no head of the model has a weight. */
function weightsOf({ score, weights }: Common, space: EmbeddingSpace): SingleScores {
  if (weights === undefined || Object.values(weights).every((one) => one === undefined)) return USUAL_WEIGHTS;
  const scores = Object.entries(HEAD_OF_SCORE).flatMap(([name, head]) =>
    space.heads.includes(head) ? [name as keyof SingleScores] : [],
  );
  if (score === 'hybrid' && scores.every((name) => (weights[name] ?? 0) === 0))
    throw new HttpError(
      'invalid_request',
      `weights: of the scores that the model has, ${scores.join(', ')}, one needs a weight above 0`,
      'weights',
    );
  return weights;
}

/** POST /v1/similarity, POST /v1/rerank. */
export function scoreRoutes({ models, names, autoTruncate, maxInputTokens }: AppParts): readonly Route[] {
  const scoreWith = async (
    embedder: Embedder,
    body: Common,
    { texts: [first = '', ...others], roles, param }: Texts,
    request: Request,
    response: Response,
  ): Promise<Scored> => {
    const derivation = derivationOf(body);
    const space = await embedder.spaceOf(derivation);
    checkSpace(request, space);
    const weights = weightsOf(body, space);
    const caller = callerOf(response);
    const measure = measureOf(response);
    const embed = (texts: readonly string[], role: PromptName | undefined, of: string) =>
      embedInput(embedder, texts, {
        role: roleNamed(space, role, 'role'),
        heads: headsOf(body.score, space),
        derivation,
        tokenLimit: new TokenLimit({
          param: of,
          modelTokens: space.maxTokens,
          bound: maxInputTokens,
          truncate: body.truncate ?? autoTruncate,
          tooLong: (limit, actual, index) => tooLong(`${of} ${index}`, limit, actual, space.maxTokens),
        }),
        ...caller,
        measure,
      });
    const [[source], targets] = await Promise.all([embed([first], roles[0], 'query'), embed(others, roles[1], param)]);
    if (source === undefined) throw new Error('no embedding for one text');
    describeSpace(response, space, [source, ...targets]);
    setComputeHeaders(response);
    const scored: { index: number; score: number; scores: SingleScores }[] = [];
    for (const [index, target] of targets.entries()) {
      const scores = await scoresOf(source, target, space, caller.signal);
      scored.push({ index, scores, score: scoreNamed(body.score, scores, weights) });
      if (index % 64 === 63) await turn();
    }
    const tokens = measure.totalTokens;
    return { model: space.modelId, scored, usage: { prompt_tokens: tokens, total_tokens: tokens } };
  };

  const scoreTexts = async (body: Common, texts: Texts, request: Request, response: Response): Promise<Scored> => {
    const isWeighted = Object.values(body.weights ?? {}).some((one) => one !== undefined);
    if (isWeighted && body.score !== 'hybrid')
      throw new HttpError(
        'invalid_request',
        'weights: only a hybrid score has them, send "score": "hybrid"',
        'weights',
      );
    return body.model === undefined
      ? scoreWith(models.usual, body, texts, request, response)
      : names.use(body.model, (embedder) => scoreWith(embedder, body, texts, request, response));
  };

  return [
    post({
      paths: ['/v1/similarity'],
      tag: 'Kimera',
      summary: 'Scores of a text against others, in their order',
      headers: SPACE_HEADERS,
      body: similaritySchema,
      answer: z.object({
        object: z.literal('list'),
        model: z.string(),
        data: z.array(z.object({ index: z.int(), score: z.number(), scores: scoresSchema })),
        usage: usageSchema,
      }),
      handle: async (body, request, response) => {
        const { source, targets, role } = body;
        const texts = { texts: [source, ...targets], roles: [role, role], param: 'targets' } as const;
        const { model, scored, usage } = await scoreTexts(body, texts, request, response);
        response.json({ object: 'list', model, data: scored, usage });
      },
    }),
    post({
      paths: ['/v1/rerank'],
      tag: 'Kimera',
      summary: 'Documents by their score against a query, the best first',
      headers: SPACE_HEADERS,
      body: rerankSchema,
      answer: z.object({
        model: z.string(),
        results: z.array(
          z.object({
            index: z.int(),
            relevance_score: z.number(),
            scores: scoresSchema,
            document: z.object({ text: z.string() }).optional(),
          }),
        ),
        usage: usageSchema,
      }),
      handle: async (body, request, response) => {
        const documents = body.documents.map((one) => (typeof one === 'string' ? one : one.text));
        const texts = { texts: [body.query, ...documents], roles: ['query', 'document'], param: 'documents' } as const;
        const { model, scored, usage } = await scoreTexts(body, texts, request, response);
        const best = scored.toSorted((a, b) => b.score - a.score || a.index - b.index);
        response.json({
          model,
          results: best.slice(0, body.top_n).map(({ index, score, scores }) => ({
            index,
            relevance_score: score,
            scores,
            ...(body.return_documents ? { document: { text: documents[index] } } : {}),
          })),
          usage,
        });
      },
    }),
  ];
}
