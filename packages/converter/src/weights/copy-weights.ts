import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { elementCount } from '@kimera/safetensors';
import type { WeightGroup, WeightPlan } from '../model/weight-plan.js';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import { WeightFile } from './weight-file.js';
import { bytesPerWeight, type WeightForm } from './weight-form.js';

export interface CopyProgress {
  readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
  readonly signal?: AbortSignal;
}

/** Opens `FOLDER/onnx/NAME`, lets `fill` write weights, and closes it: graphs may refer to it from then on. */
export async function writeWeightFile(
  folder: string,
  name: string,
  totalBytes: number,
  { onProgress }: CopyProgress,
  fill: (weights: WeightFile) => Promise<void>,
): Promise<WeightFile> {
  let bytes = 0;
  const file = await open(join(folder, 'onnx', name), 'w');
  try {
    const weights = new WeightFile(name, file, (written) => onProgress?.({ bytes: (bytes += written), totalBytes }));
    await fill(weights);
    return weights;
  } finally {
    await file.close();
  }
}

/** Copies weight groups of the checkpoint, matrices in `form`, a few MB at a time. */
export async function copyWeights(
  model: CheckpointModel,
  groups: readonly WeightGroup[],
  weights: WeightFile,
  form: WeightForm,
  signal: AbortSignal | undefined,
): Promise<void> {
  const formOf = ({ precision, weights: [first] }: WeightGroup): WeightForm =>
    precision === 'variant' && first?.shape.length === 2 ? form : 'fp32';
  for (const group of groups) {
    const [rows = 0, columns = 0] = group.weights[0]?.shape ?? [];
    await weights.add(
      group.name,
      formOf(group),
      slices(model, group.weights, signal),
      rows * group.weights.length,
      columns,
    );
  }
}

export function copiedBytes(groups: readonly WeightGroup[], form: WeightForm): number {
  const bytes = ({ precision, weights }: WeightGroup): number =>
    weights.reduce(
      (sum, { shape }) =>
        sum + elementCount(shape) * bytesPerWeight(precision === 'variant' && shape.length === 2 ? form : 'fp32'),
      0,
    );
  return groups.reduce((sum, group) => sum + bytes(group), 0);
}

async function* slices(
  model: CheckpointModel,
  plans: readonly WeightPlan[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array> {
  for (const plan of plans) {
    for await (const slice of model.slices(plan)) {
      signal?.throwIfAborted();
      yield slice;
    }
  }
}
