import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  batchSize,
  type InferenceBackend,
  Int8SaturationError,
  lexicalWeights,
  textIds,
  type VariantName,
} from '@kimera/core';
import { chooseVariant, decodeVector, type ModelFolder } from '@kimera/model-folder';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { calibrationFile, readLines } from './assets.js';
import { selfTestGraph } from './int8/self-test-graph.js';

export const root = join(fileURLToPath(import.meta.url), '../../../..');
export const checkpoints = join(root, 'fixtures/checkpoints');
export const checkpointNames = readdirSync(checkpoints).filter((name) => !name.includes('.'));
/** sentence-transformers folders of one layout: expected.json holds texts, ids and vectors. */
export const bertNames = readdirSync(checkpoints).filter((name) => name.startsWith('bert-'));
/** The backbone of bge-m3-tiny in every file format: expected.json holds hashes of tensors and hidden states. */
export const xlmrNames = readdirSync(checkpoints).filter((name) => name.startsWith('xlmr-'));

export { decodeVector };

/**
 * A file of every twentieth of the usual calibration texts, in `folder`: a conversion to 8 bits embeds their beginnings
 * too, up to 2,400. The mean cosine of the tiny models changes by less than 0.0001.
 */
export async function fewCalibrationTexts(folder: string): Promise<string> {
  const path = join(folder, 'few.txt');
  const lines = await readLines(calibrationFile('calibration.txt'));
  await writeFile(path, lines.filter((_, i) => i % 20 === 0).join('\n'));
  return path;
}

let saturating: Promise<boolean> | undefined;
/** Whether the self-test of 8-bit variants fails on this processor; it runs once. */
export function productsSaturate(): Promise<boolean> {
  return (saturating ??= runSelfTest());
}
async function runSelfTest(): Promise<boolean> {
  const session = await InferenceSession.create(selfTestGraph(), { intraOpNumThreads: 1 });
  const { holds } = await session.run({ a: new Tensor('uint8', new Uint8Array(64).fill(255), [1, 64]) });
  await session.release();
  return !holds?.data[0];
}

/**
 * The fast graph on onnxruntime-node in the test's own thread: the converter is tested without the real backend. Dense
 * vectors alone are from one run of all texts, the other heads from a run for each.
 */
export async function openPlainBackend(folder: ModelFolder, name?: VariantName): Promise<InferenceBackend> {
  const variant = chooseVariant(folder, name);
  const { fast, selfTest, unsigned } = variant.graphs;
  const saturates = selfTest !== undefined && (await productsSaturate());
  if (saturates && unsigned === undefined) throw new Int8SaturationError(selfTest);
  const graph = saturates ? (unsigned ?? fast) : fast;
  const session = await InferenceSession.create(join(folder.path, graph), {
    intraOpNumThreads: 1,
    graphOptimizationLevel: 'basic',
  });
  return {
    name: 'plain',
    space: folder.space,
    variant,
    async run(batch, { heads, normalize }) {
      const dense = normalize === false && folder.space.normalize ? 'pooled' : 'dense';
      const texts = Array.from({ length: batchSize(batch) }, (_, i) => textIds(batch, i));
      const run = (from: number, to: number): Promise<InferenceSession.ReturnType> =>
        session.run(
          {
            ...feedsOf(texts.slice(from, to).map((ids) => [...ids])),
            ...(folder.space.promptPooling === undefined
              ? {}
              : { prompt_tokens: promptTokens(batch.promptTokens?.subarray(from, to) ?? new Int32Array(to - from)) }),
            ...(folder.file.sparse === undefined
              ? {}
              : { want_sparse: new Tensor('bool', [heads.includes('sparse')], []) }),
            ...(folder.file.colbert === undefined
              ? {}
              : { want_colbert: new Tensor('bool', [heads.includes('colbert')], []) }),
          },
          heads.map((head) => (head === 'dense' ? dense : head)),
        );
      if (heads.join() === 'dense')
        return { dense: texts.length === 0 ? new Float32Array() : numbersOf((await run(0, texts.length))[dense]) };
      const outputs: InferenceSession.ReturnType[] = [];
      for (const i of texts.keys()) outputs.push(await run(i, i + 1));
      const { ignoredIds = [] } = folder.file.sparse ?? {};
      return {
        ...(heads.includes('dense')
          ? { dense: Float32Array.from(outputs.flatMap((output) => [...numbersOf(output[dense])])) }
          : {}),
        ...(heads.includes('sparse')
          ? { sparse: outputs.map(({ sparse }, i) => lexicalWeights(texts[i] ?? [], numbersOf(sparse), ignoredIds)) }
          : {}),
        ...(heads.includes('colbert') ? { colbert: outputs.map(({ colbert }) => numbersOf(colbert)) } : {}),
      };
    },
    close: () => session.release(),
  };
}

/** A copy: the runtime's memory may be used again. */
function numbersOf(tensor: Tensor | undefined): Float32Array {
  return Float32Array.from(tensor?.data as Float32Array);
}

function promptTokens(counts: Int32Array): Tensor {
  return new Tensor('int64', BigInt64Array.from(counts, BigInt), [counts.length]);
}

/** last_hidden_state [T, D] of one text by the portable graph, padded by `padding` tokens that the mask hides. */
export async function portableHiddenStates(
  folder: ModelFolder,
  ids: readonly number[],
  padding: number,
  padId = 0,
): Promise<Float32Array> {
  const session = await InferenceSession.create(join(folder.path, chooseVariant(folder).graphs.portable ?? 'none'), {
    intraOpNumThreads: 1,
  });
  const row = (value: (i: number) => number): Tensor =>
    new Tensor(
      'int64',
      BigInt64Array.from({ length: ids.length + padding }, (_, i) => BigInt(value(i))),
      [1, ids.length + padding],
    );
  const types = session.inputNames.includes('token_type_ids') ? { token_type_ids: row(() => 0) } : {};
  const output = await session.run({
    input_ids: row((i) => ids[i] ?? padId),
    attention_mask: row((i) => (i < ids.length ? 1 : 0)),
    ...types,
  });
  await session.release();
  const hidden = output['last_hidden_state']?.data as Float32Array;
  return hidden.slice(0, (hidden.length / (ids.length + padding)) * ids.length);
}

/** What a fast graph takes for these texts; neighbours of equal length are a group. */
export function feedsOf(texts: readonly (readonly number[])[]): Record<string, Tensor> {
  const int64 = (values: readonly number[], dims: readonly number[]): Tensor =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  const groups: [number, number][] = [];
  for (const { length } of texts) {
    const last = groups.at(-1);
    if (last?.[1] === length) last[0] += 1;
    else groups.push([1, length]);
  }
  const places = texts.flatMap((ids) => [...ids.keys()]);
  return {
    input_ids: int64(texts.flat(), [places.length]),
    token_places: int64(places, [places.length]),
    groups: int64(groups.flat(), [groups.length, 2]),
  };
}
