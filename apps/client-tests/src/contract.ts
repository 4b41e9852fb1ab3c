import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeVector } from '@kimera/model-folder';
import { z } from 'zod';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const MODEL = 'sentence-transformers/all-MiniLM-L6-v2';
export const KEY = 'secret';
/** Seconds of `Retry-After` in the answers of a busy server. */
export const RETRY_AFTER = 1;
/** More than the 32 items that text-embeddings-inference takes at once. */
const MANY = 100;

const goldensSchema = z.object({
  cases: z.array(
    z.object({
      text: z.string(),
      embedding: z.string(),
      truncated: z.boolean(),
      tokens_before_truncation: z.number(),
      input_ids: z.array(z.number()),
    }),
  ),
  truncate_dim_128_normalized_of_case_0: z.string(),
});

/** What every client is asked to do; in one file for those of other languages. Vectors are of sentence-transformers. */
export interface Contract {
  readonly url: string;
  /** Refuses with 429: the first request below each first segment of a path, and each below `always`. */
  readonly busy: string;
  readonly retryAfter: number;
  readonly key: string;
  readonly model: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly texts: readonly string[];
  /** One per text, [texts][dimension]. */
  readonly vectors: readonly (readonly number[])[];
  /** Per text, special tokens included. */
  readonly tokens: readonly number[];
  readonly ids: readonly (readonly number[])[];
  readonly many: readonly string[];
  readonly manyVectors: readonly (readonly number[])[];
  /** The first numbers of the first vector, normalised again. */
  readonly sliced: readonly number[];
  /** A text beyond the limit, and its tokens. */
  readonly long: string;
  readonly longTokens: number;
}

export function contractOf(url: string, busy: string): Contract {
  const { cases, truncate_dim_128_normalized_of_case_0: sliced } = goldensSchema.parse(
    JSON.parse(readFileSync(`${ROOT}fixtures/minilm/expected.json`, 'utf8')),
  );
  const usual = cases.filter(({ text, truncated }) => /[\p{L}\p{N}]/u.test(text) && !truncated);
  const some = usual.slice(0, 12);
  const many = Array.from({ length: MANY }, (_, index) => usual[index % usual.length]).filter(
    (each) => each !== undefined,
  );
  const numbersOf = (encoded: string): readonly number[] => Array.from(decodeVector(encoded));
  return {
    url,
    busy,
    retryAfter: RETRY_AFTER,
    key: KEY,
    model: MODEL,
    dimension: 384,
    maxTokens: 256,
    texts: some.map(({ text }) => text),
    vectors: some.map(({ embedding }) => numbersOf(embedding)),
    tokens: some.map(({ input_ids: ids }) => ids.length),
    ids: some.map(({ input_ids: ids }) => ids),
    many: many.map(({ text }) => text),
    manyVectors: many.map(({ embedding }) => numbersOf(embedding)),
    sliced: numbersOf(sliced),
    // Another text at its end than at its beginning.
    long: Array.from({ length: 300 }, (_, index) => (index < 150 ? 'cat' : 'law')).join(' '),
    longTokens: 302,
  };
}
