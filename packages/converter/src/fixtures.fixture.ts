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

/** Whether the self-test of 8-bit variants fails on this processor. */
export async function productsSaturate(): Promise<boolean> {
  const session = await InferenceSession.create(selfTestGraph());
  const { holds } = await session.run({ a: new Tensor('uint8', new Uint8Array(64).fill(255), [1, 64]) });
  await session.release();
  return !holds?.data[0];
}

/**
 * The fast graph on onnxruntime-node in the test's own thread, one text at a time: the converter is tested without the
 * real backend.
 */
export async function openPlainBackend(folder: ModelFolder, name?: VariantName): Promise<InferenceBackend> {
  const variant = chooseVariant(folder, name);
  const { fast, selfTest, unsigned } = variant.graphs;
  const saturates = selfTest !== undefined && (await productsSaturate());
  if (saturates && unsigned === undefined) throw new Int8SaturationError(selfTest);
  const graph = saturates ? (unsigned ?? fast) : fast;
  const session = await InferenceSession.create(join(folder.path, graph), { intraOpNumThreads: 1 });
  return {
    name: 'plain',
    space: folder.space,
    variant,
    async run(batch, { heads, normalize }) {
      const dense = normalize === false && folder.space.normalize ? 'pooled' : 'dense';
      const { dimension } = folder.space;
      const vectors = new Float32Array(batchSize(batch) * dimension);
      const sparse: ReadonlyMap<number, number>[] = [];
      const colbert: Float32Array[] = [];
      for (let i = 0; i < batchSize(batch); i++) {
        const ids = textIds(batch, i);
        const output = await session.run(
          {
            ...feedsOf([[...ids]]),
            ...(folder.space.promptPooling === undefined
              ? {}
              : { prompt_tokens: new Tensor('int64', BigInt64Array.of(BigInt(batch.promptTokens?.[i] ?? 0)), [1]) }),
            ...(folder.file.sparse === undefined
              ? {}
              : { want_sparse: new Tensor('bool', [heads.includes('sparse')], []) }),
            ...(folder.file.colbert === undefined
              ? {}
              : { want_colbert: new Tensor('bool', [heads.includes('colbert')], []) }),
          },
          heads.map((head) => (head === 'dense' ? dense : head)),
        );
        if (heads.includes('dense')) vectors.set(output[dense]?.data as Float32Array, i * dimension);
        if (heads.includes('sparse'))
          sparse.push(
            lexicalWeights(ids, output['sparse']?.data as Float32Array, folder.file.sparse?.ignoredIds ?? []),
          );
        if (heads.includes('colbert')) colbert.push(Float32Array.from(output['colbert']?.data as Float32Array));
      }
      return {
        ...(heads.includes('dense') ? { dense: vectors } : {}),
        ...(heads.includes('sparse') ? { sparse } : {}),
        ...(heads.includes('colbert') ? { colbert } : {}),
      };
    },
    close: () => session.release(),
  };
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
