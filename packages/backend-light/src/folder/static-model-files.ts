import {
  cosine,
  maxAbsDifference,
  sha256Hex,
  spaceFingerprint,
  tokenBatch,
  type EmbeddingSpace,
  type Fidelity,
  type SpaceIdentity,
  type Tokenizer,
  type Vector,
} from '@kimera/core';
import { encodeVector } from '@kimera/model-folder/pure';
import { writeSafetensors, type Tensor } from '@kimera/safetensors';
import { parseTokenizer, tokenizerIdentity } from '@kimera/tokenizers/pure';
import { STATIC_SPACE_SCHEMA, type StaticSpaceFile } from './static-space-file.js';
import { StaticBackend } from '../static-backend.js';
import { tableDigest } from '../table/table-digest.js';
import type { TableNumbers, TokenTable } from '../table/token-table.js';
import { quantizeTable } from './quantize-table.js';
import { FIDELITY_TEXTS, PROBE_TEXTS } from './reference-texts.js';

/** The probes too: a text of few words loses most in 8 bits, and what is served must pass them. */
const MEASURED_TEXTS: readonly string[] = [...FIDELITY_TEXTS, ...PROBE_TEXTS];
const EXACT: Fidelity = { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: MEASURED_TEXTS.length };
/** Default of model2vec, special tokens included here. */
const MAX_TOKENS = 512;

export interface StaticModelSource {
  readonly modelId: string;
  /** A tokenizer.json, V pieces; its `truncation` and `padding` are set to null, since model2vec would obey them. */
  readonly tokenizerJson: string;
  /**
   * [V, D] in float32: what each token adds to a text. Every special token, the unknown one included, has a direction.
   */
  readonly table: TokenTable & { readonly rows: Float32Array };
  readonly precision: 'fp32' | 'int8';
  readonly teacher?: StaticSpaceFile['teacher'];
}

/**
 * The files of a static model's folder by name, space.json last. Equal input gives equal bytes. @throws the tokenizer's
 * errors, ZeroVectorError where a probe has no direction.
 */
export async function staticModelFiles({
  modelId,
  tokenizerJson,
  table,
  precision,
  teacher,
}: StaticModelSource): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const tokenizer = parseTokenizer(tokenizerJson, 'tokenizer.json');
  const identity: SpaceIdentity = {
    weights: await tableDigest(table, 'static'),
    tokenizer: await tokenizerIdentity(tokenizerJson),
    maxTokens: MAX_TOKENS,
    pooling: ['mean'],
    normalize: true,
    prompts: { query: '', document: '' },
    dimension: table.dimension,
  };
  const fingerprint = await spaceFingerprint(identity);
  const stored = precision === 'int8' ? quantizeTable(table) : table;
  const vectorsOf = (of: TokenTable, texts: readonly string[]): Promise<readonly Vector[]> =>
    embedTexts({ ...identity, fingerprint, modelId, heads: ['dense'] }, of, tokenizer, texts);
  const fidelity =
    stored === table
      ? EXACT
      : fidelityOf(await vectorsOf(stored, MEASURED_TEXTS), await vectorsOf(table, MEASURED_TEXTS));
  const probes = await vectorsOf(table, PROBE_TEXTS);
  const json = (value: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
  const files = new Map<string, Uint8Array<ArrayBuffer>>([
    ['config.json', json(model2vecConfig(table.dimension, precision, teacher))],
    ['model.safetensors', writeSafetensors(tensorsOf(stored))],
    ['tokenizer.json', new TextEncoder().encode(withoutLimits(tokenizerJson))],
  ]);
  const entries = [...files].map(
    async ([name, bytes]) => [name, { bytes: bytes.length, sha256: await sha256Hex(bytes) }] as const,
  );
  const space: StaticSpaceFile = {
    schema: STATIC_SPACE_SCHEMA,
    modelId,
    fingerprint,
    identity: { ...identity, pooling: [...identity.pooling], prompts: { query: '', document: '' } },
    variant: { name: precision, fidelity },
    ...(teacher === undefined ? {} : { teacher }),
    files: Object.fromEntries(await Promise.all(entries)),
    probes: PROBE_TEXTS.map((text, i) => ({
      text,
      role: null,
      ids: [...tokenizer.encode(text, { maxTokens: MAX_TOKENS }).ids],
      dense: encodeVector(probes[i] ?? []),
    })),
  };
  return files.set('space.json', json(space));
}

async function embedTexts(
  space: EmbeddingSpace,
  table: TokenTable,
  tokenizer: Tokenizer,
  texts: readonly string[],
): Promise<readonly Vector[]> {
  const backend = new StaticBackend({ space, variant: { name: 'fp32', fidelity: EXACT }, table });
  const batch = tokenBatch(texts.map((text) => tokenizer.encode(text, { maxTokens: space.maxTokens }).ids));
  const { dense = new Float32Array() } = await backend.run(batch, { heads: ['dense'] });
  return texts.map((_, i) => dense.subarray(i * space.dimension, (i + 1) * space.dimension));
}

/** Rounded to the worse in the sixth place. */
function fidelityOf(actual: readonly Vector[], expected: readonly Vector[]): Fidelity {
  const cosines = expected.map((vector, i) => cosine(vector, actual[i] ?? []));
  const differences = expected.map((vector, i) => maxAbsDifference(vector, actual[i] ?? []));
  const down = (value: number): number => Math.floor(value * 1e6) / 1e6;
  return {
    minCosine: down(Math.min(...cosines)),
    meanCosine: down(cosines.reduce((sum, value) => sum + value, 0) / cosines.length),
    maxAbs: Math.ceil(Math.max(...differences) * 1e5) / 1e5,
    texts: expected.length,
  };
}

/** What model2vec 0.9 writes itself, and reads back. */
function model2vecConfig(
  dimension: number,
  precision: 'fp32' | 'int8',
  teacher: StaticSpaceFile['teacher'],
): Record<string, unknown> {
  return {
    model_type: 'model2vec',
    architectures: ['StaticModel'],
    ...(teacher === undefined ? {} : { tokenizer_name: teacher.modelId }),
    hidden_dim: dimension,
    seq_length: 1_000_000,
    normalize: true,
    embedding_dtype: precision === 'int8' ? 'int8' : 'float32',
  };
}

function tensorsOf({ dimension, vocabularySize, rows, weights }: TokenTable): ReadonlyMap<string, Tensor> {
  const type = rows instanceof Int8Array ? 'I8' : 'F32';
  const tensors = new Map<string, Tensor>();
  tensors.set('embeddings', { type, shape: [vocabularySize, dimension], bytes: littleEndian(rows) });
  if (weights !== undefined)
    tensors.set('weights', { type: 'F32', shape: [vocabularySize], bytes: littleEndian(weights) });
  return tensors;
}

function littleEndian(values: TableNumbers): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.byteLength);
  const view = new DataView(bytes.buffer);
  if (values instanceof Float32Array) values.forEach((value, i) => view.setFloat32(i * 4, value, true));
  else bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.length));
  return bytes;
}

function withoutLimits(tokenizerJson: string): string {
  const value: unknown = JSON.parse(tokenizerJson);
  return `${JSON.stringify(typeof value === 'object' && value !== null ? { ...value, truncation: null, padding: null } : value)}\n`;
}
