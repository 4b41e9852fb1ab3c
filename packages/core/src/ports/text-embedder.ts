import type { EmbeddingSpace, Head, PromptName, VariantName } from '../space.js';
import type { QuantizedVector } from '../derive-vector.js';
import type { Vector } from '../vector.js';

/** Interactive work goes before bulk work; bulk work is never starved. */
export type Lane = 'interactive' | 'bulk';

export interface EncodeTextOptions {
  /**
   * Its prompt is put before the text; that of the space's default role where absent, and none where it has no default.
   */
  readonly role?: PromptName;
  /** Default `['dense']`. */
  readonly heads?: readonly Head[];
  /** Default 'interactive'. */
  readonly lane?: Lane;
  /** Whose share of the lane it takes: clients take turns. Calls without one share one. */
  readonly client?: string;
  readonly signal?: AbortSignal;
}

/** What a text becomes. Heads that were not asked for are absent. */
export interface Embedding {
  /** [D]. */
  readonly dense?: Vector;
  /** The dense vector where its space has a dtype, which then has no `dense`. */
  readonly quantized?: QuantizedVector;
  readonly sparse?: ReadonlyMap<number, number>;
  readonly colbert?: readonly Vector[];
  /** Tokens that the model saw, prompt and special tokens included. */
  readonly tokens: number;
  /** Tokens before truncation. */
  readonly totalTokens: number;
  readonly truncated: boolean;
  /** Fingerprint. */
  readonly space: string;
  readonly variant: VariantName;
  /** Of the code that made the text's token ids: `TOKENIZER_REVISION` of @kimera/tokenizers at that time. */
  readonly tokenizerRevision: number;
}

/** Text to embeddings: what applications and the migration engine use. */
export interface TextEmbedder {
  readonly space: EmbeddingSpace;
  encodeText(text: string, options?: EncodeTextOptions): Promise<Embedding>;
  /** Order kept; [] gives []. */
  encodeBatch(texts: readonly string[], options?: EncodeTextOptions): Promise<readonly Embedding[]>;
}

/** One that tells what the model sees of texts without running it: thousands of texts a second. */
export interface TokenizingEmbedder extends TextEmbedder {
  /** Token ids of each text behind the prompt of its role, cut at the limit, and [B] how many there were before. */
  tokenize(
    texts: readonly string[],
    role?: PromptName,
  ): Promise<{ readonly ids: readonly Int32Array[]; readonly totalTokens: Int32Array }>;
}
