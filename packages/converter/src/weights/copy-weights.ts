import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { groupElements, type WeightGroup, type WeightPlan } from '../model/weight-plan.js';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import { WeightFile } from './weight-file.js';
import { bytesPerWeight, eightBitBlock, type WeightForm } from './weight-form.js';

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
  for (const group of groups) {
    const [rows = 0, columns = 0] = group.weights[0]?.shape ?? [];
    await weights.add(
      group.name,
      formOf(group, form),
      slices(model, group.weights, signal),
      rows * group.weights.length,
      columns,
    );
  }
}

/** The form of a group: matrices that follow the variant have its, unless their rows cannot be cut into its blocks. */
function formOf({ precision, weights: [first] }: WeightGroup, form: WeightForm): WeightForm {
  const [, columns] = first?.shape ?? [];
  if (precision === 'fp32' || columns === undefined) return 'fp32';
  return form === 'int8' && eightBitBlock(columns) === undefined ? 'fp32' : form;
}

export function copiedBytes(groups: readonly WeightGroup[], form: WeightForm): number {
  return groups.reduce((sum, group) => {
    const columns = group.weights[0]?.shape[1] ?? 1;
    return sum + groupElements(group) * bytesPerWeight(formOf(group, form), columns);
  }, 0);
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
