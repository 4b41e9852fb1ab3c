import type { EmbeddingSpace, Embedding, StoredVector, TextEmbedder } from '@kimera/core';
import type { PostgresStore } from '@kimera/store-postgres';

/** Vectors that were computed before and are not computed again, by their text. */
export class KnownVectors implements TextEmbedder {
  private constructor(
    readonly space: EmbeddingSpace,
    private readonly vectors: ReadonlyMap<string, StoredVector>,
  ) {}

  /** What a collection has of a space. `stampedAs` is the space that the vectors are said to be of. */
  static async of(
    store: PostgresStore,
    collection: string,
    { space }: TextEmbedder,
    stampedAs: EmbeddingSpace = space,
  ): Promise<KnownVectors> {
    const rows = new Map(
      (await store.collections.readRange(collection, { after: null, upTo: null })).map(({ id, text }) => [id, text]),
    );
    const stored = await store.vectors.readVectors(collection, space.fingerprint);
    return new KnownVectors(stampedAs, new Map(stored.map((vector) => [rows.get(vector.id) ?? '', vector])));
  }

  async encodeText(text: string): Promise<Embedding> {
    const known = this.vectors.get(text);
    if (known === undefined) throw new Error(`no vector is known of ${JSON.stringify(text.slice(0, 60))}`);
    const { dense, variant, tokenizerRevision } = known;
    return {
      dense,
      tokens: 0,
      totalTokens: 0,
      truncated: false,
      space: this.space.fingerprint,
      variant,
      tokenizerRevision,
    };
  }
  encodeBatch(texts: readonly string[]): Promise<readonly Embedding[]> {
    return Promise.all(texts.map((text) => this.encodeText(text)));
  }
}
