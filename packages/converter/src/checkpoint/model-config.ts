import { join } from 'node:path';
import { z } from 'zod';
import type { Role } from '@kimera/core';
import { InvalidConfigurationError, NotAnEmbeddingModelError } from '../errors.js';
import { type Accounting, shown } from './accounting.js';
import { readJson } from './json-file.js';

const FILE = 'config_sentence_transformers.json';
const schema = z.looseObject({
  prompts: z.record(z.string(), z.string().nullable()).nullish(),
  default_prompt_name: z.string().nullish(),
  similarity_fn_name: z.string().nullish(),
  truncate_dim: z.int().positive().nullish(),
  model_type: z.string().nullish(),
});
/** What similarities are called (sentence-transformers 5.7, `SimilarityFunction`). */
const SIMILARITIES = ['cosine', 'dot', 'euclidean', 'manhattan'] as const;
export type Similarity = (typeof SIMILARITIES)[number];

/** What config_sentence_transformers.json says. */
export interface ModelConfig {
  readonly prompts: Readonly<Record<Role, string>>;
  /** Prompts under other names: name → text. */
  readonly namedPrompts: Readonly<Record<string, string>>;
  /** Name of the prompt that a text gets where the caller names none. */
  readonly defaultRole: string | undefined;
  /** How vectors are compared, where said. Changes no vector. */
  readonly similarity: Similarity | undefined;
  /** Numbers that are kept of a vector, at its head. */
  readonly truncateDimension: number | undefined;
}

/**
 * As sentence-transformers 5.7 reads it: a prompt of null is none; documents get the prompt named `document` alone,
 * also where there is one named `passage` (`encode_document` looks for `document` first, which is always there).
 * @throws InvalidConfigurationError, NotAnEmbeddingModelError, UnknownKeyError.
 */
export async function readModelConfig(folder: string, accounting: Accounting): Promise<ModelConfig> {
  const config = (await readJson(folder, FILE, schema)) ?? {};
  accounting.account(FILE, config, [...Object.keys(schema.shape), '__version__']);
  const kind = config.model_type ?? 'SentenceTransformer';
  if (kind !== 'SentenceTransformer')
    throw new NotAnEmbeddingModelError(
      join(folder, FILE),
      kind === 'CrossEncoder' ? 'a cross-encoder' : kind === 'SparseEncoder' ? 'a sparse model (SPLADE)' : shown(kind),
      `model_type ${shown(kind)}`,
    );
  const named = Object.fromEntries(Object.entries(config.prompts ?? {}).map(([name, text]) => [name, text ?? '']));
  const { query = '', document = '', ...others } = named;
  const passage = ['passage', 'corpus'].find((name) => (others[name] ?? '') !== '' && others[name] !== document);
  if (passage !== undefined && document === '')
    accounting.note(
      `${FILE} has a prompt named ${shown(passage)} and none named "document": sentence-transformers 5.7 puts nothing before documents, and so does the role document here; the role ${passage} takes that prompt`,
    );
  const similarity = config.similarity_fn_name ?? undefined;
  const known = SIMILARITIES.find((name) => name === similarity);
  if (similarity !== undefined && known === undefined)
    throw new InvalidConfigurationError(
      FILE,
      `similarity_fn_name is ${shown(similarity)}, expected ${SIMILARITIES.join(', ')}`,
    );
  return {
    prompts: { query, document },
    namedPrompts: others,
    defaultRole: defaultRole(config.default_prompt_name ?? undefined, { query, document, ...others }),
    similarity: known,
    truncateDimension: config.truncate_dim ?? undefined,
  };
}

/**
 * Undefined where the default prompt is none, or empty; `query` or `document` where it has the text of theirs under
 * another name.
 */
function defaultRole(name: string | undefined, prompts: Readonly<Record<string, string>>): string | undefined {
  if (name === undefined) return undefined;
  if (!Object.hasOwn(prompts, name))
    throw new InvalidConfigurationError(
      FILE,
      `default_prompt_name is ${shown(name)}, and the prompts are ${Object.keys(prompts).map(shown).join(', ')}`,
    );
  const same = (['query', 'document'] as const).find((role) => prompts[role] === prompts[name]);
  return prompts[name] === '' ? undefined : (same ?? name);
}
