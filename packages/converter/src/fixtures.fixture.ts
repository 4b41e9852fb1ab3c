import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { batchSize, textIds, type InferenceBackend } from '@kimera/core';
import { chooseVariant, decodeVector, type ModelFolder } from '@kimera/model-folder';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export const root = join(fileURLToPath(import.meta.url), '../../../..');
export const checkpoints = join(root, 'fixtures/checkpoints');
export const checkpointNames = readdirSync(checkpoints);

export interface GoldenCase {
  readonly text: string;
  readonly input_ids: readonly number[];
  readonly embedding: string;
}
export function goldenCases(folder: string): readonly GoldenCase[] {
  return JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')).cases;
}
export { decodeVector };

/** The fast graph on onnxruntime-node in the test's own thread, one text at a time: the converter is tested without the real backend. */
export async function openPlainBackend(folder: ModelFolder): Promise<InferenceBackend> {
  const variant = chooseVariant(folder);
  const session = await InferenceSession.create(join(folder.path, variant.graphs.fast), { intraOpNumThreads: 1 });
  return {
    name: 'plain',
    space: folder.space,
    variant,
    async run(batch) {
      const { dimension } = folder.space;
      const dense = new Float32Array(batchSize(batch) * dimension);
      for (let i = 0; i < batchSize(batch); i++) {
        const ids = textIds(batch, i);
        const output = await session.run({ input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]) });
        dense.set(output['dense']?.data as Float32Array, i * dimension);
      }
      return { dense };
    },
    close: () => session.release(),
  };
}

/** last_hidden_state [T, D] of one text by the portable graph, padded by `padding` tokens that the mask hides. */
export async function portableHiddenStates(folder: ModelFolder, ids: readonly number[], padding: number): Promise<Float32Array> {
  const session = await InferenceSession.create(join(folder.path, chooseVariant(folder).graphs.portable), { intraOpNumThreads: 1 });
  const row = (value: (i: number) => number): Tensor => new Tensor('int64', BigInt64Array.from({ length: ids.length + padding }, (_, i) => BigInt(value(i))), [1, ids.length + padding]);
  const output = await session.run({ input_ids: row((i) => ids[i] ?? 0), attention_mask: row((i) => (i < ids.length ? 1 : 0)), token_type_ids: row(() => 0) });
  await session.release();
  const hidden = output['last_hidden_state']?.data as Float32Array;
  return hidden.slice(0, (hidden.length / (ids.length + padding)) * ids.length);
}
