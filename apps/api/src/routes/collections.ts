import {
  DimensionMismatchError,
  SpaceMismatchError,
  ZeroVectorError,
  type CollectionSearch,
  type EmbeddingSpace,
} from '@kimera/core';
import { searchCollection, type SearchParts, type SearchQuery } from '@kimera/migration';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { AppParts } from '../app-parts.js';
import { HttpError } from '../errors.js';
import { callerOf, type Caller } from '../http/admission/caller.js';
import { embedInput } from '../http/embedding/embed-input.js';
import { MAX_HITS, USUAL_HITS } from '../http/limits.js';
import { optional, withUsual } from '../http/fields/optional.js';
import { get, post, type Route } from '../http/route.js';
import { TokenLimit } from '../http/embedding/token-limit.js';

const requestSchema = z.object({
  query: z.union([z.string(), z.array(z.number())], 'a text, or a vector as a list of numbers'),
  limit: withUsual(z.int().min(1).max(MAX_HITS), USUAL_HITS),
  tenant: optional(z.string()),
  fresh_only: withUsual(z.boolean(), false),
  exact: withUsual(z.boolean(), false),
  include_text: withUsual(z.boolean(), false),
  truncate: optional(z.boolean()),
});

const fingerprint = z.string().regex(/^[0-9a-f]{64}$/);

const listSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      id: z.string(),
      object: z.literal('collection'),
      model: z.string(),
      embedding_space: fingerprint,
      other_spaces: z.array(fingerprint),
    }),
  ),
});

const hitsSchema = z.object({
  object: z.literal('list'),
  collection: z.string(),
  embedding_space: fingerprint,
  scan: z.enum(['exact', 'index']),
  data: z.array(z.object({ id: z.string(), score: z.number(), stale: z.boolean(), text: z.string().optional() })),
});

/** GET /v1/collections, POST /v1/collections/{name}/search. */
export function collectionRoutes({ collections, names, autoTruncate, maxInputTokens }: AppParts): readonly Route[] {
  const stored = (): CollectionSearch => {
    if (collections !== undefined) return collections;
    throw new HttpError(
      'no_database',
      'this server has no database, and so no collections: start it with DATABASE_URL',
    );
  };

  const list: RequestHandler = async (_request, response) => {
    const store = stored();
    const describe = async (name: string) => {
      const { active, others } = await store.spaces(name);
      return {
        id: name,
        object: 'collection',
        model: active.modelId,
        embedding_space: active.fingerprint,
        other_spaces: others.map(({ fingerprint }) => fingerprint),
      };
    };
    response.json({ object: 'list', data: await Promise.all((await store.names()).map(describe)) });
  };

  /** A text is embedded as /v1/embeddings embeds it, with the same limits. */
  const modelFor =
    (asked: string | undefined, truncate: boolean, caller: Caller): SearchParts['modelOf'] =>
    async (space) => {
      if (asked !== undefined && asked !== space.fingerprint) throw otherSpace(space.fingerprint, asked);
      const tokenLimit = new TokenLimit({
        param: 'query',
        modelTokens: space.maxTokens,
        bound: maxInputTokens,
        truncate,
        tooLong: (limit, actual) =>
          `query has ${actual} tokens, the limit is ${limit}; shorten it${limit === space.maxTokens ? ' or send "truncate": true' : ''}`,
      });
      return {
        encodeText: async (text, { role } = {}) => {
          const [embedding] = await names.useSpace(space, (embedder) =>
            embedInput(embedder, [text], { role, tokenLimit, ...caller }),
          );
          if (embedding === undefined) throw new Error('no embedding for one text');
          return embedding;
        },
      };
    };

  const search = async (body: z.infer<typeof requestSchema>, request: Request, response: Response): Promise<void> => {
    const store = stored();
    const { name } = request.params;
    const asked = request.get('x-embedding-space');
    const query = queryOf(body.query, asked);
    const caller = callerOf(response);
    const parts: SearchParts = {
      store: { search: store },
      collection: String(name),
      modelOf: modelFor(asked, body.truncate ?? autoTruncate, caller),
    };
    const { hits, scan, space, truncated } = await searchCollection(parts, query, {
      limit: body.limit,
      tenant: body.tenant,
      rows: body.fresh_only ? 'fresh' : 'all',
      scan: body.exact ? 'exact' : 'index',
      text: body.include_text ? 'with' : 'without',
      signal: caller.signal,
    }).catch((error: unknown) => {
      throw refusal(error, query);
    });
    response.setHeader('x-embedding-space', space).setHeader('x-truncated-inputs', truncated ? '0' : '');
    response.json({ object: 'list', collection: name, embedding_space: space, scan, data: hits });
  };

  return [
    get({
      paths: ['/v1/collections'],
      scope: 'search',
      tag: 'Collections',
      summary: 'The collections of the database, with their spaces',
      answer: listSchema,
      handle: list,
    }),
    post({
      paths: ['/v1/collections/:name/search'],
      scope: 'search',
      tag: 'Collections',
      summary: 'The rows nearest to a text, or to a vector of the active space',
      headers: {
        'x-embedding-space': 'Fingerprint of the active space',
        'x-truncated-inputs': '`0` where the query was cut, else empty',
      },
      body: requestSchema,
      answer: hitsSchema,
      handle: search,
    }),
  ];
}

/** A vector says in the header which space it is of, as every answer with vectors does. @throws HttpError. */
function queryOf(query: string | readonly number[], asked: string | undefined): SearchQuery {
  if (query === '') throw new HttpError('empty_input', 'query is an empty string', 'query');
  if (typeof query === 'string') return query;
  if (asked === undefined)
    throw new HttpError(
      'invalid_request',
      'a vector needs the header x-embedding-space: the space that it is of',
      'query',
    );
  return { space: asked, dense: Float32Array.from(query) };
}

/** What is wrong with the query, in the words of this route; any other error as it is. */
function refusal(error: unknown, query: SearchQuery): unknown {
  if (error instanceof SpaceMismatchError)
    return typeof query === 'string'
      ? new HttpError(
          'space_changed',
          `the active space changed while the query was embedded, and is ${error.expected} now: ask again`,
          null,
          { actual: error.expected },
        )
      : otherSpace(error.expected, error.actual);
  if (error instanceof DimensionMismatchError || error instanceof ZeroVectorError)
    return new HttpError('invalid_request', error.message, 'query', error.fields);
  return error;
}

function otherSpace(active: EmbeddingSpace['fingerprint'], asked: string): HttpError {
  return new HttpError(
    'space_mismatch',
    `the active space of the collection is ${active}, the header x-embedding-space names ${asked}: embed the query there and ask again`,
    'query',
    { asked, actual: active },
  );
}
