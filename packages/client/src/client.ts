import {
  collectionsAnswer,
  modelsAnswer,
  searchAnswer,
  spacesAnswer,
  type CollectionAnswer,
  type ModelAnswer,
  type SpaceAnswer,
} from './answers.js';
import type { ChunkOptions } from './chunks.js';
import type { Embedding, Fingerprint, VectorType } from './embedding.js';
import { ClientOptionError } from './errors.js';
import { Model, type SpaceOptions } from './model.js';
import { Transport, type TransportOptions } from './transport.js';

export interface ClientOptions extends TransportOptions, ChunkOptions {}

export interface ModelInfo {
  readonly id: string;
  readonly space: Fingerprint;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly heads: ModelAnswer['heads'];
  readonly roles: readonly string[];
}

export interface SpaceInfo {
  readonly fingerprint: Fingerprint;
  readonly model: string;
  /** The space that it is derived from; null where it is a model's own. */
  readonly parent: string | null;
  readonly dimension: number;
  readonly isNormalized: boolean;
  readonly type: string;
  /** Whether the model was trained for so many numbers. */
  readonly isTrained: boolean;
  readonly maxTokens: number;
  readonly heads: SpaceAnswer['heads'];
}

export interface CollectionInfo {
  readonly name: string;
  readonly model: string;
  readonly space: Fingerprint;
  readonly otherSpaces: readonly string[];
}

export interface SearchOptions {
  readonly limit?: number;
  readonly tenant?: string;
  /** Only rows whose present text is embedded. */
  readonly freshOnly?: boolean;
  /** Looks at every vector, also where there is an index. */
  readonly exact?: boolean;
  /** The present text of each row. */
  readonly includeText?: boolean;
  readonly truncate?: boolean;
  readonly signal?: AbortSignal;
}

export interface SearchHit {
  readonly id: string;
  readonly score: number;
  /** Found by an earlier text than its present one. */
  readonly isStale: boolean;
  readonly text?: string;
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  readonly space: Fingerprint;
  /** `exact`, or the index that was used. */
  readonly scan: string;
}

/** A Kimera server. */
export class KimeraClient {
  readonly #transport: Transport;
  readonly #chunks: Required<ChunkOptions>;

  /** @throws ClientOptionError. */
  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
    const { chunkTexts = 256, chunkCharacters = 1_000_000, concurrency = 4 } = options;
    this.#chunks = { chunkTexts, chunkCharacters, concurrency };
    for (const [option, value] of Object.entries<number>(this.#chunks))
      if (!Number.isInteger(value) || value < 1) throw new ClientOptionError(option, value, 'a whole number above 0');
  }

  /**
   * A model by its name, an alias, or a collection's name; nothing is asked yet. `name` and options that change the space
   * become part of the type of its vectors.
   */
  model<const Name extends string, const Options extends SpaceOptions = { readonly type: 'float' }>(
    name: Name,
    options?: Options,
  ): Model<SpaceName<Name, Options>, TypeIn<Options>> {
    return new Model({ transport: this.#transport, chunks: this.#chunks, name, options: options ?? {} });
  }

  async models(signal?: AbortSignal): Promise<readonly ModelInfo[]> {
    const { body } = await this.#transport.send({ path: '/v1/models', answer: modelsAnswer, signal });
    return body.data.map(({ id, embedding_space: space, dimension, max_tokens: maxTokens, heads, roles }) => ({
      id,
      space: space as Fingerprint,
      dimension,
      maxTokens,
      heads,
      roles,
    }));
  }

  /** The spaces of the models that are open, and those derived from them. */
  async spaces(signal?: AbortSignal): Promise<readonly SpaceInfo[]> {
    const { body } = await this.#transport.send({ path: '/v1/spaces', answer: spacesAnswer, signal });
    return body.data.map((space) => ({
      fingerprint: space.id as Fingerprint,
      model: space.model,
      parent: space.parent,
      dimension: space.dimension,
      isNormalized: space.normalize,
      type: space.dtype,
      isTrained: space.trained,
      maxTokens: space.max_tokens,
      heads: space.heads,
    }));
  }

  async collections(signal?: AbortSignal): Promise<readonly CollectionInfo[]> {
    const { body } = await this.#transport.send({ path: '/v1/collections', answer: collectionsAnswer, signal });
    return body.data.map(({ id, model, embedding_space: space, other_spaces: otherSpaces }: CollectionAnswer) => ({
      name: id,
      model,
      space: space as Fingerprint,
      otherSpaces,
    }));
  }

  /**
   * The rows of a collection nearest to a text, or to a vector of its active space. @throws SpaceRefusedError where the
   * vector is of another; the errors of errors.ts.
   */
  async search<Name extends string>(
    collection: string,
    query: string | Pick<Embedding<Name>, 'dense' | 'space'>,
    options: SearchOptions = {},
  ): Promise<SearchResult> {
    const { limit, tenant, freshOnly, exact, includeText, truncate, signal } = options;
    const { body } = await this.#transport.send({
      path: `/v1/collections/${encodeURIComponent(collection)}/search`,
      body: {
        query: typeof query === 'string' ? query : Array.from(query.dense),
        limit,
        tenant,
        fresh_only: freshOnly,
        exact,
        include_text: includeText,
        truncate,
      },
      headers: typeof query === 'string' ? {} : { 'x-embedding-space': query.space },
      answer: searchAnswer,
      signal,
    });
    return {
      hits: body.data.map(({ id, score, stale, text }) => ({
        id,
        score,
        isStale: stale,
        ...(text === undefined ? {} : { text }),
      })),
      space: body.embedding_space as Fingerprint,
      scan: body.scan,
    };
  }
}

/** What the program calls a space: the model's name, and what is derived from it. */
export type SpaceName<Name extends string, Options extends SpaceOptions> = `${Name}${Options extends {
  readonly dimensions: infer Dimensions extends number;
}
  ? `/${Dimensions}`
  : ''}${Options extends { readonly type: infer Type extends Exclude<VectorType, 'float'> } ? `/${Type}` : ''}`;

export type TypeIn<Options extends SpaceOptions> = Options extends { readonly type: infer Type extends VectorType }
  ? Type
  : 'float';
