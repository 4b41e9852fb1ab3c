/** A kind of output: `dense` one vector a text, `sparse` token id → weight, `colbert` one vector a token. */
export const HEADS = ['dense', 'sparse', 'colbert'] as const;
export type Head = (typeof HEADS)[number];

/** Some models put a different prompt before a query and before a document. */
export type Role = 'query' | 'document';
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
  /** Present where a text without a role gets this role's prompt. */
  readonly defaultRole?: Role | undefined;
}

/** A named set of comparable vectors. */
export interface EmbeddingSpace extends SpaceIdentity {
  /** Lower-case hex SHA-256 over the identity. */
  readonly fingerprint: string;
  /** For people: `sentence-transformers/all-MiniLM-L6-v2`. Not part of the identity. */
  readonly modelId: string;
  readonly heads: readonly Head[];
  /** C, numbers in a vector of the ColBERT head; D where absent. */
  readonly colbertDimension?: number | undefined;
}

/** A precision of one space. */
export const VARIANTS = ['fp32', 'fp16', 'q4', 'int8'] as const;
export type VariantName = (typeof VARIANTS)[number];

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
