import { spaceFingerprint, type SpaceIdentity, type Tokenizer } from '@kimera/core';
import { tokenizerIdentity } from '@kimera/tokenizers/pure';
import { z } from 'zod';
import { InvalidStaticModelError } from '../errors.js';
import { Model2vecTokenizer } from '../model2vec-tokenizer.js';
import { StaticBackend } from '../static-backend.js';
import type { LoadParts, StaticModel } from '../static-model.js';
import { readTokenTable } from '../table/read-token-table.js';
import { tableDigest } from '../table/table-digest.js';
import type { Layout } from './layouts.js';
import { parseSafetensors } from './parse-safetensors.js';

/** Default `max_length` of model2vec 0.9's `encode`. */
const MAX_TOKENS = 512;

/** Of config.json (or config_sentence_transformers.json) only this changes a vector. */
const configSchema = z.looseObject({ normalize: z.boolean().nullish() });
/** Unigram models have no unknown token to leave out: model2vec asks the model for its `unk_token`. */
const tokenizerSchema = z.looseObject({ model: z.looseObject({ unk_token: z.string().nullish() }) });

export interface Model2vecFiles {
  readonly config: Uint8Array;
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly tokenizer: Uint8Array<ArrayBuffer>;
}

/** A folder as model2vec 0.9 reads it. It carries no probes: its space is named by what its files hold. */
export async function loadModel2vec(
  { files, modelId, openTokenizer, parseTokenizer }: LoadParts,
  layout: Layout,
  { config, weights, tokenizer: tokenizerBytes }: Model2vecFiles,
): Promise<StaticModel> {
  const tokenizerJson = new TextDecoder().decode(tokenizerBytes);
  const tokenizer = parseTokenizer(tokenizerJson, layout.tokenizer);
  const source = `${files.name}: ${layout.weights}`;
  const { table, variant } = readTokenTable(
    parseSafetensors(weights, source),
    layout.vectors,
    tokenizer.vocabularySize,
    source,
  );
  const { normalize } = parseJson(new TextDecoder().decode(config), `${files.name}: ${layout.config}`, configSchema);
  const { model } = parseJson(tokenizerJson, `${files.name}: ${layout.tokenizer}`, tokenizerSchema);
  const identity: SpaceIdentity = {
    weights: await tableDigest(table, 'model2vec'),
    tokenizer: await tokenizerIdentity(tokenizerJson),
    maxTokens: MAX_TOKENS,
    pooling: ['mean'],
    normalize: normalize ?? false,
    prompts: { query: '', document: '' },
    dimension: table.dimension,
  };
  const pieces = piecesOf(tokenizer);
  const unknownId = typeof model.unk_token === 'string' ? pieces.indexOf(model.unk_token) : -1;
  return {
    backend: new StaticBackend({
      space: { ...identity, fingerprint: await spaceFingerprint(identity), modelId, heads: ['dense'] },
      variant: { name: variant, fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } },
      table,
    }),
    probes: [],
    tokenizer: new Model2vecTokenizer({
      tokenizer: await openTokenizer(tokenizer, { file: layout.tokenizer, bytes: tokenizerBytes }),
      unknownId: unknownId < 0 ? undefined : unknownId,
      medianTokenLength: medianLength(pieces),
      modelId,
    }),
  };
}

function piecesOf(tokenizer: Tokenizer): readonly string[] {
  return Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.token(id) ?? '');
}

/** `int(np.median(...))` of the lengths in code points. */
function medianLength(pieces: readonly string[]): number {
  const lengths = pieces.map((piece) => Array.from(piece).length).sort((a, b) => a - b);
  const middle = lengths.length / 2;
  const at = (index: number): number => lengths[index] ?? 0;
  return Number.isInteger(middle) ? Math.trunc((at(middle - 1) + at(middle)) / 2) : at(Math.floor(middle));
}

function parseJson<T>(json: string, source: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new InvalidStaticModelError(source, 'not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidStaticModelError(source, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  return parsed.data;
}
