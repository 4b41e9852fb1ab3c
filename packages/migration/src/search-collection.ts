import {
  SpaceMismatchError,
  type CollectionSearch,
  type EmbeddingSpace,
  type QueryVector,
  type SearchAnswer,
  type SearchOptions,
  type TextEmbedder,
} from '@kimera/core';

export interface SearchParts {
  readonly store: { readonly search: CollectionSearch };
  readonly collection: string;
  /** The model of a space; an application has both of a running migration at hand. */
  readonly modelOf: (space: EmbeddingSpace) => Promise<Pick<TextEmbedder, 'encodeText'>>;
}

/** A text, or a vector of the active space. */
export type SearchQuery = string | QueryVector;

export interface SearchCallOptions extends SearchOptions {
  readonly signal?: AbortSignal;
}

export interface SearchResult extends SearchAnswer {
  /** Fingerprint of the space that was searched. */
  readonly space: string;
  /** The query is longer than the model's limit: what was searched is its beginning. */
  readonly truncated: boolean;
}

/**
 * Times that a text is embedded where the active space changes between embedding and searching. A cutover is followed by
 * a rollback at most, minutes later.
 */
const ATTEMPTS = 2;

/**
 * The rows of a collection nearest to a query, in its active space: a text is embedded there with the prompt of
 * queries, and once more where a cutover came in between.
 * @throws SpaceMismatchError where a vector is of another space, or the space changed twice (ask again); the errors of
 * {@link CollectionSearch}, of `modelOf` and of the model.
 */
export async function searchCollection(
  { store, collection, modelOf }: SearchParts,
  query: SearchQuery,
  { signal, ...options }: SearchCallOptions,
): Promise<SearchResult> {
  if (typeof query !== 'string') {
    const answer = await store.search.search(collection, query, options);
    return { ...answer, space: query.space, truncated: false };
  }
  for (let attempt = 1; ; attempt++) {
    const { active } = await store.search.spaces(collection, options.tenant);
    const model = await modelOf(active);
    const {
      dense = new Float32Array(),
      space,
      truncated,
    } = await model.encodeText(query, { role: 'query', ...(signal === undefined ? {} : { signal }) });
    try {
      return { ...(await store.search.search(collection, { space, dense }, options)), space, truncated };
    } catch (error) {
      if (!(error instanceof SpaceMismatchError) || attempt === ATTEMPTS) throw error;
    }
  }
}
