import { access, copyFile, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { cosine, maxAbsDifference, spaceFingerprint, tokenBatch, type Fidelity, type Head, type InferenceBackend, type SpaceIdentity, type Tokenizer, type VariantName } from '@kimera/core';
import { encodeVector, fileSha256, openModelFolder, SPACE_FILE_SCHEMA, type ModelFolder, type SpaceFile } from '@kimera/model-folder';
import { parseTokenizer, tokenizerIdentity } from '@kimera/tokenizers';
import { positionLimit } from './architectures/architecture.js';
import { architectureOf } from './architectures/index.js';
import { dimensionOf, endsNormalized } from './architectures/pooling.js';
import { openCheckpoint, type Checkpoint } from './checkpoint/checkpoint.js';
import { elementCount } from './checkpoint/tensor-source.js';
import { fastGraph } from './encoder/fast-graph.js';
import { portableGraph } from './encoder/portable-graph.js';
import type { WeightGroup } from './encoder/weight-plan.js';
import { DiskSpaceError, InvalidConfigurationError, OutputExistsError } from './errors/checkpoint-errors.js';
import { OnnxGraph } from './onnx/onnx-graph.js';
import { ReferenceModel, type ReferenceText } from './reference/reference-model.js';
import { FIDELITY_TEXTS, PROBE_TEXTS } from './texts.js';
import { WeightFile } from './weights/weight-file.js';
import type { WeightForm } from './weights/weight-form.js';

/** LayerNormalization needs 17, BitwiseAnd 18. */
const OPSET = 18;
const DATA_FILE = 'model.onnx_data';
/** Files of a Hugging Face folder that are kept as they are. */
const KEPT_FILES = ['tokenizer_config.json', 'special_tokens_map.json', 'modules.json', 'sentence_bert_config.json', 'config_sentence_transformers.json', 'vocab.txt'];

/** Of a Dense module. */
const MODULE_FILES = ['config.json', 'model.safetensors', 'pytorch_model.bin'];

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
  const positions = positionLimit(model.shape);
  const limit = model.checkpoint.maxTokens ?? positions;
  if (limit > positions) throw new InvalidConfigurationError('sentence_bert_config.json', `max_seq_length ${limit} is beyond the ${positions} positions of the model`);
  return limit;
}

async function writeGraphs(model: ReferenceModel, folder: string, { variant, onProgress, signal }: ConvertOptions): Promise<void> {
  const isLarge = ({ precision, weights }: WeightGroup): boolean => precision === 'variant' && weights[0]?.shape.length === 2;
  const totalBytes = model.groups.reduce((sum, group) => sum + group.weights.reduce((part, { shape }) => part + elementCount(shape), 0) * BYTES_PER_WEIGHT[isLarge(group) ? variant : 'fp32'], 0);
  let bytes = 0;
  const file = await open(join(folder, 'onnx', DATA_FILE), 'w');
  try {
    const weights = new WeightFile(DATA_FILE, file, (written) => onProgress?.({ bytes: (bytes += written), totalBytes }));
    for (const group of model.groups) {
      signal?.throwIfAborted();
      const [rows = 0, columns = 0] = group.weights[0]?.shape ?? [];
      await weights.add(group.name, isLarge(group) ? variant : 'fp32', groupSlices(model, group, signal), rows * group.weights.length, columns);
    }
    const { modules, heads } = model.checkpoint;
    const portable = new OnnxGraph();
    portableGraph(portable, weights, model.shape);
    await writeFile(join(folder, 'onnx', 'model.onnx'), portable.serialize('portable', OPSET));
    const fast = new OnnxGraph();
    fastGraph(fast, weights, model.shape, modules, heads);
    await writeFile(join(folder, 'onnx', 'model_fast.onnx'), fast.serialize('fast', OPSET));
  } finally {
    await file.close();
  }
}
async function* groupSlices(model: ReferenceModel, group: WeightGroup, signal: AbortSignal | undefined): AsyncGenerator<Float32Array> {
  for (const plan of group.weights) {
    for await (const slice of model.slices(plan)) {
      signal?.throwIfAborted();
      yield slice;
    }
  }
}
const BYTES_PER_WEIGHT: Readonly<Record<WeightForm, number>> = { fp32: 4, fp16: 2, q4: 0.5625 };

async function copyFiles(checkpoint: Checkpoint, folder: string): Promise<void> {
  const modules = (await exists(join(checkpoint.folder, 'modules.json'))) ? ['1_Pooling/config.json', ...checkpoint.modules.afterPooling.flatMap((module) => (module.kind === 'dense' ? MODULE_FILES.map((name) => join(module.path, name)) : []))] : [];
  for (const name of [...KEPT_FILES, ...modules]) {
    const from = join(checkpoint.folder, name);
    if (!(await exists(from))) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await copyFile(from, join(folder, name));
  }
  await writeFile(join(folder, 'tokenizer.json'), checkpoint.tokenizerJson);
  const config = { ...checkpoint.config, 'transformers.js_config': { use_external_data_format: { 'model.onnx': true } } };
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

async function writeSpaceFile(model: ReferenceModel, folder: string, { variant, modelId, openBackend }: ConvertOptions): Promise<void> {
  const { checkpoint, shape } = model;
  const { modules, heads: tokenHeads, prompts, defaultRole } = checkpoint;
  const identity: SpaceIdentity = {
    weights: await model.weightsHash(),
    tokenizer: await tokenizerIdentity(checkpoint.tokenizerJson),
    maxTokens: maxTokens(model),
    pooling: modules.pooling,
    normalize: endsNormalized(modules),
    prompts,
    dimension: dimensionOf(modules, shape.hiddenSize),
    ...(modules.promptPooling === 'excluded' ? { promptPooling: 'excluded' } : {}),
    ...(defaultRole === undefined ? {} : { defaultRole }),
  };
  const tokenizer = parseTokenizer(checkpoint.tokenizerJson, join(checkpoint.folder, 'tokenizer.json'));
  const texts = PROBE_TEXTS.map(({ text, role }) => referenceText(tokenizer, role === null ? '' : identity.prompts[role], text, identity.maxTokens));
  const held = FIDELITY_TEXTS.map((text) => referenceText(tokenizer, '', text, identity.maxTokens));
  const outputs = await model.embedAll([...texts, ...held]);
  const probes = PROBE_TEXTS.map(({ text, role }, i): SpaceFile['probes'][number] => {
    const { ids, promptTokens } = texts[i] as ReferenceText;
    const { dense = new Float32Array(), sparse, colbert } = outputs[i] ?? {};
    return {
      text,
      role,
      ids: Array.from(ids),
      ...(identity.promptPooling === undefined ? {} : { promptTokens }),
      dense: encodeVector(dense),
      ...(sparse === undefined ? {} : { sparse: [...sparse] }),
      ...(colbert === undefined ? {} : { colbert: encodeVector(colbert) }),
    };
  });
  const heads: Head[] = ['dense', ...(tokenHeads.sparse === undefined ? [] : ['sparse' as const]), ...(tokenHeads.colbert === undefined ? [] : ['colbert' as const])];
  const name = modelId ?? basename(resolve(checkpoint.folder));
  const write = async (fidelity: Fidelity): Promise<void> => {
    const file: SpaceFile = {
      schema: SPACE_FILE_SCHEMA,
      modelId: name,
      fingerprint: await spaceFingerprint(identity),
      identity: { ...identity, pooling: [...identity.pooling], prompts: { query: identity.prompts.query, document: identity.prompts.document } },
      heads,
      ...(tokenHeads.sparse === undefined ? {} : { sparse: { ignoredIds: [...tokenHeads.sparse.ignoredIds] } }),
      ...(tokenHeads.colbert === undefined ? {} : { colbert: tokenHeads.colbert }),
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
    await write(await measureFidelity(backend, held, outputs.slice(texts.length).map(({ dense }) => dense)));
  } finally {
    await backend.close();
  }
}

/** The tokens of a prompt and its text as one, and how many of them are the prompt's (sentence-transformers 5.7: those of the prompt alone without its last special token). */
export function referenceText(tokenizer: Tokenizer, prompt: string, text: string, limit: number): ReferenceText {
  const { ids } = tokenizer.encode(prompt + text, { maxTokens: limit });
  if (prompt === '') return { ids, promptTokens: 0 };
  const alone = tokenizer.encode(prompt, { maxTokens: limit }).ids;
  const last = alone.at(-1);
  return { ids, promptTokens: alone.length - (last !== undefined && last === tokenizer.encode('', { maxTokens: limit }).ids.at(-1) ? 1 : 0) };
}

/** The backend's vectors beside the forward pass's, text by text. */
async function measureFidelity(backend: InferenceBackend, texts: readonly ReferenceText[], expected: readonly Float32Array[]): Promise<Fidelity> {
  const cosines: number[] = [];
  let maxAbs = 0;
  for (const [i, { ids }] of texts.entries()) {
    const { dense = new Float32Array() } = await backend.run(tokenBatch([Int32Array.from(ids)]), { heads: ['dense'] });
    cosines.push(cosine(expected[i] ?? [], dense));
    maxAbs = Math.max(maxAbs, maxAbsDifference(expected[i] ?? [], dense));
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
  const needed = model.plans().reduce((sum, { shape }) => sum + elementCount(shape) * 4, 0) + (64 << 20);
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < needed) throw new DiskSpaceError(parent, needed, bavail * bsize);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
