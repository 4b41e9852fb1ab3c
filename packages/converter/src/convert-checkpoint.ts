import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { EncodeOptions, Tokenizer } from '@kimera/core';
import { fileSha256, openModelFolder, type ModelFolder, type SpaceFile } from '@kimera/model-folder';
import { parseTokenizer } from '@kimera/tokenizers';
import { openBackground, type Background } from './background.js';
import { calibrationFile, readLines } from './assets.js';
import { positionLimit, type ReferenceOutput } from '@kimera/reference-encoder';
import { fastGraph } from './graphs/fast-graph.js';
import { floatKernel } from './graphs/matrix-kernel.js';
import { portableGraph } from './graphs/portable-graph.js';
import { DiskSpaceError, VocabularySizeError } from './errors.js';
import { writeFolder } from './folder/write-folder.js';
import { int8Bytes } from './int8/write-int8.js';
import { OnnxGraph, OPSET } from '@kimera/onnx-file';
import type { CheckpointChoices } from './checkpoint/checkpoint.js';
import { openCheckpointModel } from './model/checkpoint-model.js';
import type { CheckpointModel } from './model/checkpoint-model.js';
import type { GraphWeights } from './weights/graph-weights.js';
import type { BaseVariant } from './weights/weight-form.js';
import { addInt8Variant, FULL_SHARE, type Int8Options } from './int8/add-int8-variant.js';
import { copiedBytes, copyWeights, writeWeightFile } from './weights/copy-weights.js';
import { keepFiles, listFiles } from './folder/kept-files.js';
import { linkedName, linkWeights } from './weights/link-weights.js';
import type { OpenBackend } from './fidelity/fidelity.js';
import { measureBase, referenceTexts, spaceFile, type ReferenceTexts } from './folder/space-file.js';

/** The name that transformers.js asks for beside model.onnx. */
const DATA_FILE = 'model.onnx_data';

export interface ConvertOptions {
  /** Folder of the checkpoint. */
  readonly source: string;
  /** Folder to write; must not exist. */
  readonly out: string;
  readonly variant: BaseVariant;
  /**
   * Where the weights of the base variant are: a file of the folder, or the checkpoint's own file, hard-linked (fp32
   * only). Default `copy`.
   */
  readonly weights?: 'copy' | 'link';
  /** An 8-bit variant beside it, where present. */
  readonly int8?: Int8Options;
  /**
   * Texts that the vectors are compared on: as many as some seconds of the forward pass allow (default), or all, which
   * takes minutes for a large model.
   */
  readonly reference?: 'quick' | 'thorough';
  /** What the checkpoint leaves open, and keys that are passed over. */
  readonly choices?: CheckpointChoices;
  /** Told what the user should know of the checkpoint: choices that were made, and what is not read. */
  readonly onNote?: (note: string) => void;
  /** Defaults to the folder's name. */
  readonly modelId?: string;
  /**
   * Files of the checkpoint whose SHA-256 is known, by their names in it: a linked one is not hashed again, and the
   * checksums inside it are not verified.
   */
  readonly vouched?: SpaceFile['files'];
  /** Loads the folder just written, to measure its fidelity. */
  readonly openBackend: OpenBackend;
  readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
  /** Told the name of each step after the weights are written. */
  readonly onPhase?: (phase: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Checkpoint → model folder, measured against the float64 forward pass. The folder appears whole or not at all. Equal
 * input gives equal bytes, an 8-bit variant on the same kind of processor.
 * @throws OutputExistsError, DiskSpaceError, LinkError, FidelityError, and the errors of the checkpoint's files.
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<ModelFolder> {
  const out = resolve(options.out);
  await writeFolder(out, async (partial) => {
    const { source, vouched = {}, signal, choices = {} } = options;
    const background = await openBackground(source, choices, signal);
    try {
      const model = await openCheckpointModel(source, {
        ...choices,
        checksums: (path) => !Object.hasOwn(vouched, relative(source, path)),
      });
      try {
        for (const note of notesOf(model)) options.onNote?.(note);
        await writeModel(model, partial, options, background);
      } finally {
        await model.checkpoint.tensors.close();
      }
    } finally {
      await background.close();
    }
    signal?.throwIfAborted();
  });
  return openModelFolder(out);
}

async function writeModel(
  model: CheckpointModel,
  folder: string,
  options: ConvertOptions,
  background: Background,
): Promise<void> {
  const { variant, openBackend, int8, modelId = basename(resolve(model.checkpoint.folder)) } = options;
  await mkdir(dirname(folder), { recursive: true });
  await checkDisk(dirname(folder), model, options);
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const { tokenizer, weights, ...written } = await writeAndCompute(model, folder, options, background);
  // Ends the thread first, so that its memory is free when the backend needs some.
  await background.close();
  const write = (file: unknown): Promise<void> =>
    writeFile(join(folder, 'space.json'), `${JSON.stringify(file, null, 1)}\n`);
  const limit = textLimit(model);
  const first = await spaceFile(model, { ...written, modelId, maxTokens: limit.maxTokens, variant });
  await write(first);
  const measured = {
    ...first,
    variants: [await measureBase(await openModelFolder(folder), variant, openBackend, written)],
  };
  await write(measured);
  if (int8 === undefined) return;
  const added = await addInt8Variant(model, await openModelFolder(folder), {
    ...options,
    weights,
    tokenizer,
    int8,
    calibration: await readLines(int8.calibration ?? calibrationFile('calibration.txt')),
    heldOut: await readLines(calibrationFile('held-out.txt')),
  });
  await write({
    ...measured,
    variants: [...measured.variants, added],
    files: await listFiles(folder, fileSha256, written.files),
  });
}

/** How texts are cut: at what the files say, or else at the positions that the model has. */
export function textLimit({ shape, checkpoint }: CheckpointModel): EncodeOptions {
  return {
    maxTokens: checkpoint.maxTokens ?? positionLimit(shape),
    ...(checkpoint.truncationSide === 'right' ? {} : { truncationSide: checkpoint.truncationSide }),
  };
}

/** What the user should know of the checkpoint. */
function notesOf({ checkpoint, shape }: CheckpointModel): readonly string[] {
  const positions = positionLimit(shape);
  return checkpoint.maxTokens !== undefined && checkpoint.maxTokens > positions
    ? [
        ...checkpoint.notes,
        `the files allow texts of ${checkpoint.maxTokens} tokens, the model has positions for ${positions}: longer texts are refused, as they fail in sentence-transformers`,
      ]
    : checkpoint.notes;
}

/** @throws VocabularySizeError. */
function checkVocabulary(tokenizer: Tokenizer, { shape }: CheckpointModel): void {
  if (tokenizer.vocabularySize <= shape.vocabularySize) return;
  throw new VocabularySizeError(
    tokenizer.vocabularySize,
    shape.vocabularySize,
    tokenizer.token(tokenizer.vocabularySize - 1) ?? '',
  );
}

interface Written {
  readonly tokenizer: Tokenizer;
  readonly texts: ReferenceTexts;
  readonly weights: GraphWeights;
  readonly weightsHash: string;
  readonly tokenizerHash: string;
  /** Of the probes, then of the held-out texts. */
  readonly outputs: readonly ReferenceOutput[];
  readonly files: SpaceFile['files'];
}

/**
 * Everything of the base variant but space.json; the hash of the weights, which verifies them, and the forward pass run
 * beside the writing.
 */
async function writeAndCompute(
  model: CheckpointModel,
  folder: string,
  options: ConvertOptions,
  background: Background,
): Promise<Written> {
  const { checkpoint } = model;
  const hashes = Promise.all([
    model.weightsHash(options.signal),
    background.identifyTokenizer(checkpoint.tokenizerJson),
  ]);
  // Awaited below. Without this line, a failure before that would count as an unhandled rejection.
  hashes.catch(() => undefined);
  const tokenizer = parseTokenizer(
    checkpoint.tokenizerJson,
    join(checkpoint.folder, 'tokenizer.json'),
    checkpoint.parsedTokenizer,
  );
  checkVocabulary(tokenizer, model);
  const texts = referenceTexts(model, tokenizer, textLimit(model), options.reference ?? 'quick');
  const pass = background.embedAll(
    model,
    [...texts.probes, ...texts.held].map(({ tokens }) => tokens),
  );
  pass.catch(() => undefined);
  const weights = await writeBase(model, folder, options);
  await keepFiles(checkpoint, folder);
  options.onPhase?.('measuring against the checkpoint');
  const [[weightsHash, tokenizerHash], outputs, files] = await Promise.all([
    hashes,
    pass,
    listFiles(folder, (path) => background.hashFile(path), linkedFiles(options)),
  ]);
  return { tokenizer, texts, weights, weightsHash, tokenizerHash, outputs, files };
}

/** The entries of `vouched` under the names that the linked files have in the model folder. */
function linkedFiles({ weights, vouched = {} }: ConvertOptions): SpaceFile['files'] {
  if (weights !== 'link') return {};
  return Object.fromEntries(Object.entries(vouched).map(([name, digest]) => [`onnx/${linkedName(name)}`, digest]));
}

async function writeBase(model: CheckpointModel, folder: string, options: ConvertOptions): Promise<GraphWeights> {
  const { variant, signal } = options;
  const weights =
    options.weights === 'link'
      ? await linkWeights(model, folder, DATA_FILE, options)
      : await writeWeightFile(folder, DATA_FILE, copiedBytes(model.groups, variant), options, (file) =>
          copyWeights(model, model.groups, file, variant, signal),
        );
  const { modules, heads } = model.checkpoint;
  const portable = new OnnxGraph();
  portableGraph(portable, weights, model.shape);
  await writeFile(join(folder, 'onnx', 'model.onnx'), portable.serialize('portable', OPSET));
  const fast = new OnnxGraph();
  fastGraph(fast, weights, floatKernel(weights, model.shape.hiddenSize), model.shape, modules, heads);
  await writeFile(join(folder, 'onnx', 'model_fast.onnx'), fast.serialize('fast', OPSET));
  return weights;
}

async function checkDisk(
  parent: string,
  model: CheckpointModel,
  { variant, weights, int8 }: ConvertOptions,
): Promise<void> {
  const needed =
    (weights === 'link' ? 0 : copiedBytes(model.groups, variant)) +
    (int8 === undefined ? 0 : int8Bytes(model, variant, FULL_SHARE)) +
    (64 << 20);
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < needed) throw new DiskSpaceError(parent, needed, bavail * bsize);
}
