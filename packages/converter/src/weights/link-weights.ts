import { link, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { WeightGroup } from '../model/weight-plan.js';
import { LinkError } from '../errors.js';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { GraphWeights } from './graph-weights.js';
import { canBeLinked, LinkedWeights, type LinkedTensor } from './linked-weights.js';
import { copiedBytes, copyWeights, writeWeightFile, type CopyProgress } from './copy-weights.js';

/**
 * Weights where the checkpoint has them: its files are hard-linked into `FOLDER/onnx` (ONNX Runtime 1.30 refuses `..`
 * and symbolic links that leave the graph's folder). Tensors that cannot be read there (views with gaps, big-endian,
 * float64) are copied to `FOLDER/onnx/NAME`.
 * @throws LinkError where the file system cannot: then the weights have to be copied.
 */
export async function linkWeights(
  model: CheckpointModel,
  folder: string,
  name: string,
  progress: CopyProgress,
): Promise<GraphWeights> {
  const linked = new Map<string, LinkedTensor>();
  const names = new Map<string, string>();
  const rest: WeightGroup[] = [];
  for (const group of model.groups) {
    progress.signal?.throwIfAborted();
    const tensors: (readonly [string, LinkedTensor])[] = [];
    for (const plan of group.weights) {
      const location = await model.location(plan);
      if (location === undefined || !canBeLinked(location)) break;
      const file = linkedName(relative(model.checkpoint.folder, location.path));
      tensors.push([plan.name, { file, location }]);
    }
    if (tensors.length < group.weights.length) {
      rest.push(group);
      continue;
    }
    for (const [plan, tensor] of tensors) {
      linked.set(plan, tensor);
      names.set(tensor.location.path, tensor.file);
    }
  }
  for (const [path, file] of names) await hardLink(path, join(folder, 'onnx', file));
  return new LinkedWeights(
    model.groups,
    linked,
    rest.length === 0 ? NOTHING_COPIED : await copyRest(model, rest, folder, name, progress),
  );
}

/** What a file of the checkpoint is called where it is linked. */
export function linkedName(name: string): string {
  return name.replaceAll(/[/\\]/g, '_');
}

function copyRest(
  model: CheckpointModel,
  groups: readonly WeightGroup[],
  folder: string,
  name: string,
  progress: CopyProgress,
): Promise<GraphWeights> {
  return writeWeightFile(folder, name, copiedBytes(groups, 'fp32'), progress, (weights) =>
    copyWeights(model, groups, weights, 'fp32', progress.signal),
  );
}

const NOTHING_COPIED: GraphWeights = {
  value: (_graph, name) => {
    throw new Error(`weight ${name} was neither linked nor copied`);
  },
  gather: (_graph, name) => {
    throw new Error(`weight ${name} was neither linked nor copied`);
  },
};

/** Links to the file itself where the checkpoint's is a symbolic link, as in the hub's cache. */
async function hardLink(from: string, to: string): Promise<void> {
  const target = await realpath(from);
  try {
    await link(target, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new LinkError(target, to, code);
  }
}
