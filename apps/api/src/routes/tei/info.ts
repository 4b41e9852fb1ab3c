import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { AppParts } from '../../app-parts.js';
import { MAX_INPUTS } from '../../http/limits.js';
import { get, type Route } from '../../http/route.js';
import { TEI } from './request.js';

const infoSchema = z.object({
  model_id: z.string(),
  model_sha: z.string().nullable(),
  model_dtype: z.string(),
  served_model_name: z.string(),
  model_type: z.object({ embedding: z.object({ pooling: z.string() }) }),
  max_concurrent_requests: z.int(),
  max_input_length: z.int(),
  max_batch_tokens: z.int(),
  max_batch_requests: z.int().nullable(),
  max_client_batch_size: z.int(),
  auto_truncate: z.boolean(),
  tokenization_workers: z.int(),
  version: z.string(),
  sha: z.string().nullable(),
  docker_label: z.string().nullable(),
  embedding_space: z.string(),
  dimension: z.int(),
  heads: z.array(z.string()),
  backend: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  fallback: z.record(z.string(), z.unknown()),
  stats: z.record(z.string(), z.unknown()),
});

const healthSchema = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  model: z.string().optional(),
  space: z.string().optional(),
  backend: z.string().optional(),
  variant: z.string().optional(),
  reason: z.string().optional(),
});

/** GET /info, /health, /ping and /. */
export function teiInfoRoutes({ models, autoTruncate, maxInputTokens, version, limits }: AppParts): readonly Route[] {
  const info: RequestHandler = (_request, response) => {
    const embedder = models.usual;
    const { space } = embedder;
    const { backend, variant, fallback, ...stats } = embedder.getPerformanceStats();
    const health = models.health();
    response.json({
      model_id: space.modelId,
      // The weights' digest, which is what names a revision here.
      model_sha: space.weights,
      model_dtype: variant,
      served_model_name: space.modelId,
      model_type: { embedding: { pooling: space.pooling.join('+') } },
      max_concurrent_requests: limits.connections,
      max_input_length: Math.min(space.maxTokens, maxInputTokens ?? space.maxTokens),
      max_batch_tokens: limits.batchTokens,
      max_batch_requests: null,
      max_client_batch_size: MAX_INPUTS.tei,
      auto_truncate: autoTruncate,
      tokenization_workers: 1,
      version,
      sha: null,
      docker_label: null,
      embedding_space: space.fingerprint,
      dimension: space.dimension,
      heads: [...space.heads],
      backend,
      status: health.status,
      ...(health.reason === undefined ? {} : { reason: health.reason }),
      fallback: { ...fallback },
      stats,
    } satisfies z.input<typeof infoSchema>);
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
    } satisfies z.input<typeof healthSchema>);
  };

  return [
    get({ paths: ['/info'], tag: TEI, summary: 'The model and its limits', answer: infoSchema, handle: info }),
    get({
      paths: ['/health', '/ping', '/'],
      tag: TEI,
      summary: 'Whether the model serves',
      open: true,
      answer: healthSchema,
      unavailable: healthSchema,
      handle: health,
    }),
  ];
}
