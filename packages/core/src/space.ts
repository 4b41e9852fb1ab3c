/** A kind of output: `dense` one vector a text, `sparse` token id → weight, `colbert` one vector a token. */
export const HEADS = ['dense', 'sparse', 'colbert'] as const;
export type Head = (typeof HEADS)[number];

/** Some models put a different prompt before a query and before a document. */
export type Role = 'query' | 'document';
/** Any prompt of a space by its name: a role, or one of its `namedPrompts`. */
export type PromptName = Role | (string & {});
export const ROLES: readonly Role[] = ['query', 'document'];

/** sentence-transformers' pooling kinds, as in 1_Pooling/config.json. Several are concatenated in the order given. */
export type Pooling = 'cls' | 'mean' | 'max' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken';
export const POOLINGS: readonly Pooling[] = ['cls', 'mean', 'max', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'];

/**
 * What makes a space: everything that changes a vector, and nothing else. Its SHA-256 is the fingerprint
 * (fingerprint.ts).
 * `weights` and `tokenizer` are lower-case hex SHA-256 digests, see docs/fingerprint.md.
 */
export interface SpaceIdentity {
  readonly weights: string;
  readonly tokenizer: string;
  /** Tokens a text may have, special tokens included; longer texts are cut and say so. */
  readonly maxTokens: number;
  readonly pooling: readonly Pooling[];
  /** True where vectors are divided by their L2 norm. */
  readonly normalize: boolean;
  readonly prompts: Readonly<Record<Role, string>>;
  /** D, numbers in a dense vector. */
  readonly dimension: number;
  /** Present where the pooling leaves out the tokens of the prompt, and what stands before it. */
  readonly promptPooling?: 'excluded' | undefined;
  /** Present where a text without a role gets the prompt of this name. */
  readonly defaultRole?: PromptName | undefined;
  /**
   * Prompts under other names: name → text. One that is empty, or equal to the query's or the document's, is not part of
   * the fingerprint.
   */
  readonly namedPrompts?: Readonly<Record<string, string>> | undefined;
  /** Present where a text beyond the limit loses its beginning; its end elsewhere. */
  readonly truncationSide?: 'left' | undefined;
  /** Present where the modules after the pooling are not told by `normalize` and the weights: their names in order. */
  readonly modules?: readonly string[] | undefined;
  /** What the encoder has that the usual one of its kind and size has not; absent where it is the usual one. */
  readonly encoder?: EncoderIdentity | undefined;
}

/** What changes an encoder's vectors over the same weights. A member is absent at its usual value (docs/fingerprint.md). */
export interface EncoderIdentity {
  readonly attentionHeads?: number | undefined;
  /** Of the feed-forward layers: `gelu_new`, `relu` … */
  readonly activation?: string | undefined;
  /** What the layer normalisation adds to the variance. */
  readonly layerNormEpsilon?: number | undefined;
  /** The position of the first token: 0, or the padding's id + 1. */
  readonly firstPosition?: number | undefined;
}

/** A named set of comparable vectors. */
export interface EmbeddingSpace extends SpaceIdentity {
  /** Lower-case hex SHA-256 over the identity. */
  readonly fingerprint: string;
  /** For people: `sentence-transformers/all-MiniLM-L6-v2`. Not part of the identity. */
  readonly modelId: string;
  readonly heads: readonly Head[];
  /**
   * Tokens that the model has positions for, where that is fewer than `maxTokens`: a text between the two is refused,
   * since it is not cut and has no vector. Not part of the identity: the weights tell it.
   */
  readonly positions?: number | undefined;
  /** How its makers compare vectors, where they say it. Not part of the identity: it changes no vector. */
  readonly similarity?: string | undefined;
  /** C, numbers in a vector of the ColBERT head; D where absent. */
  readonly colbertDimension?: number | undefined;
  /** Numbers fewer than D of which its makers say that the first so many can be used alone (Matryoshka). */
  readonly trainedDimensions?: readonly number[] | undefined;
  /**
   * Present where the space is made from another by a fixed rule (derived-space.ts): the fingerprint is then that of the
   * rule, `dimension` and `normalize` are those of the derived vectors, and the rest is the parent's.
   */
  readonly derived?: DerivedFrom | undefined;
}

/** Forms of a dense vector other than float32: a number in 8 bits, or in one. */
export const DERIVED_DTYPES = ['int8', 'uint8', 'binary', 'ubinary'] as const;
export type DerivedDtype = (typeof DERIVED_DTYPES)[number];

/** The space that another is derived from, and the rules that change its vectors. */
export interface DerivedFrom {
  /** Fingerprint. */
  readonly parent: string;
  readonly normalize?: false | undefined;
  readonly dimensions?: number | undefined;
  readonly dtype?: DerivedDtype | undefined;
  /** Where there are fewer dimensions: whether the model's files say that it was trained for so many. */
  readonly trained?: boolean | undefined;
}

/** A precision of one space. */
export const VARIANTS = ['fp32', 'fp16', 'q4', 'int8'] as const;
export type VariantName = (typeof VARIANTS)[number];

/**
 * Which precision serves. `fast`: 8 bits where the model has them, they are near enough and this processor computes them
 * exactly; else the model's first. `full`: the model's first. Or one by its name.
 */
export const VARIANT_CHOICES = ['fast', 'full', ...VARIANTS] as const;
export type VariantChoice = (typeof VARIANT_CHOICES)[number];

/**
 * Cosine of a variant's dense vectors to those it stands for: the checkpoint's (float64) for a base variant, the base
 * variant's for int8.
 */
export interface Fidelity {
  readonly minCosine: number;
  readonly meanCosine: number;
  readonly maxAbs: number;
  /** Number of texts it was measured on. */
  readonly texts: number;
  /** The same of the other heads, all weights or all tokens of a text as one vector. */
  readonly heads?:
    | Readonly<
        Partial<Record<Exclude<Head, 'dense'>, { readonly minCosine: number; readonly meanCosine: number } | undefined>>
      >
    | undefined;
  /** Mean share of the ten nearest of the other texts that are the same (overlap@10). */
  readonly rankAgreement?: number | undefined;
}

export interface Variant {
  readonly name: VariantName;
  readonly fidelity: Fidelity;
}

/** The first 12 hex digits: enough for people, never for comparison. */
export function shortFingerprint(fingerprint: string): string {
  return fingerprint.slice(0, 12);
}
