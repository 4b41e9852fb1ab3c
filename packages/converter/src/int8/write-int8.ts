import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CopyProgress, copiedBytes, copyWeights, writeWeightFile } from '../weights/copy-weights.js';
import { fastGraph } from '../graphs/fast-graph.js';
import { groupElements, type WeightGroup } from '../model/weight-plan.js';
import { OnnxGraph, OPSET } from '@kimera/onnx-file';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { WeightFile } from '../weights/weight-file.js';
import { biasOf } from '../graphs/matrix-kernel.js';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { BaseVariant } from '../weights/weight-form.js';
import { addMatrix, joined } from './add-matrix.js';
import type { InputStatistics } from './input-statistics.js';
import { addsBias, inputShift, int8Kernel } from './int8-kernel.js';
import { selfTestGraph } from './self-test-graph.js';

export const INT8_GRAPH = 'onnx/model_int8.onnx';
export const INT8_UNSIGNED_GRAPH = 'onnx/model_int8_unsigned.onnx';
export const INT8_SELF_TEST = 'onnx/int8_self_test.onnx';
const INT8_DATA = 'model_int8.onnx_data';

/** The encoder's matrices: candidates for 8 bits. Everything but them and the word table is small and stays float32. */
export function isQuantized({ name, weights: [first] }: WeightGroup): boolean {
  return name.startsWith('layers.') && first?.shape.length === 2;
}

/**
 * Whether what stays in full precision, the word table and some matrices, is read from the base variant's file. Where that
 * has float32, it may be too large for WebAssembly: then the variant's own file has the table in 8 bits, and the matrices.
 */
const readsBase = (base: BaseVariant): boolean => base !== 'fp32';

/** Bytes of the variant's data file, about. @param fullShare of the matrices' weights that stay in full precision. */
export function int8Bytes(model: CheckpointModel, base: BaseVariant, fullShare: number): number {
  const bytesOfFull = readsBase(base) ? 0 : 4;
  return model.groups.reduce((sum, group) => {
    if (isQuantized(group)) return sum + groupElements(group) * (1 + (bytesOfFull - 1) * fullShare);
    return isTable(group) && readsBase(base) ? sum : sum + copiedBytes([group], 'int8');
  }, 0);
}

const isTable = ({ name }: WeightGroup): boolean => name === 'embeddings.word';

/** What an 8-bit variant is made of, beside the checkpoint. */
export interface Int8Parts {
  /** The base variant as it was written. */
  readonly base: { readonly variant: BaseVariant; readonly weights: GraphWeights };
  /** Of the inputs of each matrix that was measured. */
  readonly statistics: ReadonlyMap<string, InputStatistics>;
  /** Matrices that stay in full precision. */
  readonly full: ReadonlySet<string>;
}

/**
 * Writes the 8-bit variant beside the base one: data, fast graph, the self-test that says where its products saturate, and
 * the graph for there.
 */
export async function writeInt8(
  model: CheckpointModel,
  folder: string,
  { base, statistics, full }: Int8Parts,
  progress: CopyProgress,
): Promise<WeightFile> {
  const matrices = model.groups.filter(isQuantized);
  const inEightBits = matrices.filter(({ name }) => !full.has(name));
  const elements = (groups: readonly WeightGroup[]): number =>
    groups.reduce((sum, group) => sum + groupElements(group), 0);
  const bytes = int8Bytes(model, base.variant, 1 - elements(inEightBits) / elements(matrices));
  const weights = await writeWeightFile(folder, INT8_DATA, bytes, progress, async (file) => {
    const biases = new Map(model.groups.map((group) => [group.name, group]));
    const written = new Set<string>();
    for (const group of inEightBits) {
      progress.signal?.throwIfAborted();
      const bias = addsBias(group.name) ? biases.get(biasOf(group.name)) : undefined;
      const weight = await read(model, group.weights);
      await addMatrix(file, {
        name: group.name,
        weight,
        outputs: weight.length / (group.weights[0]?.shape[1] ?? 1),
        bias: bias === undefined ? undefined : await read(model, bias.weights),
        statistics: statistics.get(group.name),
        shift: inputShift(group.name, model.shape.activation) ?? 0,
      });
      for (const { name } of bias === undefined ? [group] : [group, bias]) written.add(name);
    }
    const rest = model.groups.filter(
      (group) => !written.has(group.name) && !(readsBase(base.variant) && (isTable(group) || isQuantized(group))),
    );
    for (const group of rest)
      await copyWeights(
        model,
        [isTable(group) ? group : { ...group, precision: 'fp32' }],
        file,
        'int8',
        progress.signal,
      );
  });
  const { modules, heads } = model.checkpoint;
  const inFull = readsBase(base.variant) ? base.weights : weights;
  const all: GraphWeights = {
    value: (graph, name, range) => (full.has(name) ? inFull : weights).value(graph, name, range),
    gather: (graph, name, ids) => inFull.gather(graph, name, ids),
  };
  for (const [path, sign] of [
    [INT8_GRAPH, 'signed'],
    [INT8_UNSIGNED_GRAPH, 'unsigned'],
  ] as const) {
    const graph = new OnnxGraph();
    fastGraph(graph, all, int8Kernel(weights, all, model.shape, sign), model.shape, modules, heads);
    await writeFile(join(folder, path), graph.serialize('int8', OPSET));
  }
  await writeFile(join(folder, INT8_SELF_TEST), selfTestGraph());
  return weights;
}

async function read(model: CheckpointModel, plans: WeightGroup['weights']): Promise<Float32Array> {
  return joined(await Promise.all(plans.map((plan) => model.read(plan))));
}
