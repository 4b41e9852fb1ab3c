import { access, copyFile, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { cosine, maxAbsDifference, spaceFingerprint, tokenBatch, type Fidelity, type InferenceBackend, type SpaceIdentity, type VariantName, type Vector } from '@kimera/core';
import { encodeVector, fileSha256, openModelFolder, SPACE_FILE_SCHEMA, type ModelFolder, type SpaceFile } from '@kimera/model-folder';
import { parseTokenizer, tokenizerIdentity } from '@kimera/tokenizers';
import { architectureOf } from './architectures/index.js';
import { openCheckpoint, type Checkpoint } from './checkpoint/checkpoint.js';
import { DiskSpaceError, InvalidConfigurationError, OutputExistsError } from './errors/checkpoint-errors.js';
import { OnnxGraph } from './onnx/onnx-graph.js';
import { ReferenceModel } from './reference/reference-model.js';
import { FIDELITY_TEXTS, PROBE_TEXTS } from './texts.js';
import { WeightFile } from './weights/weight-file.js';
import type { WeightForm } from './weights/weight-form.js';

/** LayerNormalization needs 17, BitwiseAnd 18. */
const OPSET = 18;
const DATA_FILE = 'model.onnx_data';
/** Files of a Hugging Face folder that are kept as they are. */
const KEPT_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'modules.json', 'sentence_bert_config.json', 'config_sentence_transformers.json', 'vocab.txt', '1_Pooling/config.json'];

export type OpenBackend = (folder: ModelFolder, variant: VariantName) => Promise<InferenceBackend>;

export interface ConvertOptions {
  /** Folder of the checkpoint. */
  readonly source: string;
  /** Folder to write; must not exist. */
  readonly out: string;
  readonly variant: WeightForm;
  /** Defaults to the folder's name. */
  readonly modelId?: string;
  /** Loads the folder just written, to measure its fidelity. */
  readonly openBackend: OpenBackend;
  readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Checkpoint → model folder, measured against the float64 forward pass. Written under a temporary name beside `out` and renamed at the end,
 * so a folder that looks whole is whole. Equal input gives equal bytes.
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<ModelFolder> {
  const out = resolve(options.out);
  if (await exists(out)) throw new OutputExistsError(out);
  const checkpoint = await openCheckpoint(options.source);
  const partial = `${out}.partial-${process.pid}`;
  try {
    const model = new ReferenceModel(checkpoint, architectureOf(checkpoint));
    await checkDisk(dirname(out), model);
    await mkdir(join(partial, 'onnx'), { recursive: true });
    await writeGraphs(model, partial, options);
    await copyFiles(checkpoint, partial);
    await writeSpaceFile(model, partial, options);
    options.signal?.throwIfAborted();
    await rename(partial, out);
    return await openModelFolder(out);
  } finally {
    await checkpoint.tensors.close();
    await rm(partial, { recursive: true, force: true });
  }
}

/** Tokens a text may have. @throws InvalidConfigurationError where the files ask for more than there are positions. */
export function maxTokens(model: ReferenceModel): number {
  const limit = model.checkpoint.maxTokens ?? model.shape.maxPositions;
  if (limit > model.shape.maxPositions) {
    throw new InvalidConfigurationError('sentence_bert_config.json', `max_seq_length ${limit} is beyond the ${model.shape.maxPositions} positions of the model`);
  }
  return limit;
}

async function writeGraphs(model: ReferenceModel, folder: string, { variant, onProgress, signal }: ConvertOptions): Promise<void> {
  const totalBytes = model.plans().reduce((sum, { shape }) => sum + product(shape) * BYTES_PER_WEIGHT[variant], 0);
  let bytes = 0;
  const file = await open(join(folder, 'onnx', DATA_FILE), 'w');
  try {
    const weights = new WeightFile(DATA_FILE, file, (written) => onProgress?.({ bytes: (bytes += written), totalBytes }));
    for (const group of model.architecture.groups(model.shape)) {
      signal?.throwIfAborted();
      const values = joinArrays(await Promise.all(group.weights.map((plan) => model.read(plan))));
      const [rows = 0, columns = 0] = group.weights[0]?.shape ?? [];
      // Positions, types, norms and biases are small and stay float32.
      const isMatrix = columns > 0 && group.name !== 'embeddings.position' && group.name !== 'embeddings.type';
      await weights.add(group.name, isMatrix ? variant : 'fp32', values, rows * group.weights.length, columns);
    }
    const portable = new OnnxGraph();
    model.architecture.portable(portable, weights, model.shape);
    await writeFile(join(folder, 'onnx', 'model.onnx'), portable.serialize('portable', OPSET));
    const fast = new OnnxGraph();
    model.architecture.fast(fast, weights, model.shape, model.checkpoint.pooling, model.checkpoint.normalize);
    await writeFile(join(folder, 'onnx', 'model_fast.onnx'), fast.serialize('fast', OPSET));
  } finally {
    await file.close();
  }
}
const BYTES_PER_WEIGHT: Readonly<Record<WeightForm, number>> = { fp32: 4, fp16: 2, q4: 0.5625 };

async function copyFiles(checkpoint: Checkpoint, folder: string): Promise<void> {
  for (const name of KEPT_FILES) {
    const from = join(checkpoint.folder, name);
    if (!(await exists(from))) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await copyFile(from, join(folder, name));
  }
  const config = { ...checkpoint.config, 'transformers.js_config': { use_external_data_format: { 'model.onnx': true } } };
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

async function writeSpaceFile(model: ReferenceModel, folder: string, { variant, modelId, openBackend }: ConvertOptions): Promise<void> {
  const { checkpoint, shape } = model;
  const identity: SpaceIdentity = {
    weights: await model.weightsHash(),
    tokenizer: await tokenizerIdentity(checkpoint.tokenizerJson),
    maxTokens: maxTokens(model),
    pooling: checkpoint.pooling,
    normalize: checkpoint.normalize,
    prompts: checkpoint.prompts,
    dimension: shape.hiddenSize * checkpoint.pooling.length,
  };
  const tokenizer = parseTokenizer(checkpoint.tokenizerJson, join(checkpoint.folder, 'tokenizer.json'));
  const ids = (text: string): Int32Array => tokenizer.encode(text, { maxTokens: identity.maxTokens }).ids;
  const probes: SpaceFile['probes'] = [];
  for (const { text, role } of PROBE_TEXTS) {
    const tokens = ids((role === null ? '' : identity.prompts[role]) + text);
    probes.push({ text, role, ids: [...tokens], dense: encodeVector(await model.embed(tokens)) });
  }
  const name = modelId ?? basename(resolve(checkpoint.folder));
  const write = async (fidelity: Fidelity): Promise<void> => {
    const file: SpaceFile = {
      schema: SPACE_FILE_SCHEMA,
      modelId: name,
      fingerprint: await spaceFingerprint(identity),
      identity: { ...identity, pooling: [...identity.pooling], prompts: { query: identity.prompts.query, document: identity.prompts.document } },
      heads: ['dense'],
      architecture: { type: shape.type, layers: shape.layers, hiddenSize: shape.hiddenSize, attentionHeads: shape.attentionHeads, vocabularySize: shape.vocabularySize },
      variants: [{ name: variant, fidelity, graphs: { portable: 'onnx/model.onnx', fast: 'onnx/model_fast.onnx' } }],
      files: await listFiles(folder),
      probes,
    };
    await writeFile(join(folder, 'space.json'), `${JSON.stringify(file, null, 1)}\n`);
  };
  await write({ minCosine: 0, meanCosine: 0, maxAbs: 0, texts: 0 });
  const backend = await openBackend(await openModelFolder(folder), variant);
  try {
    await write(await measureFidelity(model, backend, FIDELITY_TEXTS.map(ids)));
  } finally {
    await backend.close();
  }
}

/** The backend's vectors beside the forward pass's, text by text. */
async function measureFidelity(model: ReferenceModel, backend: InferenceBackend, texts: readonly Int32Array[]): Promise<Fidelity> {
  const cosines: number[] = [];
  let maxAbs = 0;
  for (const ids of texts) {
    const expected: Vector = await model.embed(ids);
    const { dense = new Float32Array() } = await backend.run(tokenBatch([ids]), { heads: ['dense'] });
    cosines.push(cosine(expected, dense));
    maxAbs = Math.max(maxAbs, maxAbsDifference(expected, dense));
  }
  // Six digits: the last ones of float32 arithmetic differ between kinds of processor, and the folder's bytes should not.
  const round = (value: number): number => Math.floor(value * 1e6) / 1e6;
  return { minCosine: round(Math.min(...cosines)), meanCosine: round(cosines.reduce((sum, value) => sum + value, 0) / cosines.length), maxAbs: Math.ceil(maxAbs * 1e5) / 1e5, texts: texts.length };
}

async function listFiles(folder: string): Promise<SpaceFile['files']> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'space.json')
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/'))
    .sort();
  const files: SpaceFile['files'] = {};
  for (const name of names) files[name] = { bytes: (await stat(join(folder, name))).size, sha256: await fileSha256(join(folder, name)) };
  return files;
}

async function checkDisk(parent: string, model: ReferenceModel): Promise<void> {
  await mkdir(parent, { recursive: true });
  const needed = model.plans().reduce((sum, { shape }) => sum + product(shape) * 4, 0) + (64 << 20);
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < needed) throw new DiskSpaceError(parent, needed, bavail * bsize);
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, dimension) => total * dimension, 1);
}

function joinArrays(arrays: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
