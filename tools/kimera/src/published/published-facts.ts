import { HEADS } from '@kimera/core';
import { z } from 'zod';

/**
 * How a text becomes tokens: as the folder's tokenizer.json says, or split at white space first, as transformers 5
 * builds XLM-RoBERTa's tokenizer.
 * They differ where white space stands at an end of the text or beside a special token: only the first makes a token
 * "▁" of it.
 */
const tokenizer = z.enum(['asFile', 'splitsAtWhiteSpace']).default('asFile');
const pair = { query: z.string(), passage: z.string() };
const figure = z.number();

/** Texts go in without a prompt: a fact of a model with prompts has them in its texts. */
const factSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tokens'), text: z.string(), tokenizer, ids: z.array(z.int().nonnegative()) }),
  /** Dot product of two dense vectors. */
  z.strictObject({ kind: z.literal('denseSimilarity'), ...pair, value: figure }),
  /** Sum of the numbers of a dense vector. */
  z.strictObject({ kind: z.literal('denseSum'), text: z.string(), value: figure }),
  /** Token id → weight; an id that is not there has the weight 0. */
  z.strictObject({
    kind: z.literal('lexicalWeights'),
    text: z.string(),
    tokenizer,
    weights: z.record(z.string().regex(/^\d+$/), figure),
  }),
  /** Token as its text → weight, as FlagEmbedding's convert_id_to_token writes it. */
  z.strictObject({
    kind: z.literal('lexicalWeightsOfTokens'),
    text: z.string(),
    weights: z.record(z.string(), figure),
  }),
  z.strictObject({ kind: z.literal('lexicalScore'), ...pair, value: figure }),
  /** [T - 1, C]. */
  z.strictObject({
    kind: z.literal('colbertShape'),
    text: z.string(),
    shape: z.tuple([z.int().nonnegative(), z.int().positive()]),
  }),
  z.strictObject({ kind: z.literal('colbertScore'), ...pair, value: figure }),
  z.strictObject({
    kind: z.literal('hybridScore'),
    ...pair,
    weights: z.partialRecord(z.enum(HEADS), figure),
    value: figure,
  }),
]);

const groupSchema = z.strictObject({
  /** Short: it stands before each of its rows. */
  name: z.string().min(1),
  /** Where the figures were published, with the revision. */
  source: z.string().min(1),
  /** SPDX identifier of what the figures were published under. */
  licence: z.string().min(1),
  /** Largest absolute difference at which a figure holds, and why that much; token ids and shapes are equal or not. */
  tolerance: z.strictObject({ value: z.number().nonnegative(), reason: z.string().min(1) }),
  facts: z.array(factSchema).min(1),
});

export const publishedFactsSchema = z.strictObject({
  schema: z.literal('kimera-published-facts/1'),
  /** The model that the facts are about. */
  modelId: z.string().min(1),
  groups: z.array(groupSchema).min(1),
});

/** What others have published about the outputs of one model. */
export type PublishedFacts = z.infer<typeof publishedFactsSchema>;
export type FactGroup = PublishedFacts['groups'][number];
export type FactSource = Omit<FactGroup, 'facts'>;
export type Fact = FactGroup['facts'][number];
export type TokensFact = Extract<Fact, { readonly kind: 'tokens' }>;
/** Every fact but a tokenisation: one row each. */
export type FigureFact = Exclude<Fact, TokensFact>;
export type FactTokenizer = TokensFact['tokenizer'];
