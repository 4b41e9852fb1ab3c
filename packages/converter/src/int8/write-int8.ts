import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CopyProgress, copiedBytes, copyWeights, writeWeightFile } from '../weights/copy-weights.js';
import { fastGraph } from '../graphs/fast-graph.js';
import { groupElements, type WeightGroup } from '../model/weight-plan.js';
import { OnnxGraph, OPSET } from '@kimera/onnx-file';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { WeightFile } from '../weights/weight-file.js';
import { inputShift, int8Arrays, int8Kernel } from './int8-kernel.js';
import { columnMaxima, quantizeMatrix, type QuantizedMatrix } from './quantize-matrix.js';
import { selfTestGraph } from './self-test-graph.js';
import { smoothingFactors } from './smoothing.js';

export const INT8_GRAPH = 'onnx/model_int8.onnx';
export const INT8_UNSIGNED_GRAPH = 'onnx/model_int8_unsigned.onnx';
export const INT8_SELF_TEST = 'onnx/int8_self_test.onnx';
const INT8_DATA = 'model_int8.onnx_data';

/**
 * The encoder's matrices: candidates for 8 bits. The word table has 8 bits in blocks; everything else is small and
 * stays float32.
 */
export function isQuantized({ name, weights: [first] }: WeightGroup): boolean {
  return name.startsWith('layers.') && first?.shape.length === 2;
}

/** Bytes of the variant's data file, about. @param fullShare of the matrices' weights that stay in float32. */
export function int8Bytes(model: CheckpointModel, fullShare: number): number {
  return model.groups.reduce(
    (sum, group) =>
      sum + (isQuantized(group) ? groupElements(group) * (1 + 3 * fullShare) : copiedBytes([group], 'int8')),
    0,
  );
}

/**
 * Writes the 8-bit variant beside the base one: data, fast graph, the self-test that says where its products saturate, and
 * the graph for there.
 * @param activations max|x| of the inputs of some matrices, [in], which are smoothed. @param full matrices that stay in
 * float32.
 */
export async function writeInt8(
  model: CheckpointModel,
  folder: string,
  activations: ReadonlyMap<string, Float32Array>,
  full: ReadonlySet<string>,
  progress: CopyProgress,
): Promise<WeightFile> {
  const quantized = (group: WeightGroup): boolean => isQuantized(group) && !full.has(group.name);
  const matrices = model.groups.filter(isQuantized);
  const elements = (groups: readonly WeightGroup[]): number =>
    groups.reduce((sum, group) => sum + groupElements(group), 0);
  const fullShare = elements(matrices.filter(({ name }) => full.has(name))) / elements(matrices);
  const weights = await writeWeightFile(folder, INT8_DATA, int8Bytes(model, fullShare), progress, async (file) => {
    const biases = new Map<string, Float32Array>();
    for (const group of matrices.filter(quantized)) {
      progress.signal?.throwIfAborted();
      biases.set(
        group.name.replace(/weight$/, 'bias'),
        await addQuantized(file, model, group, activations.get(group.name)),
      );
    }
    for (const group of model.groups.filter((candidate) => !quantized(candidate))) {
      const shift = biases.get(group.name);
      if (shift === undefined)
        await copyWeights(
          model,
          [group.name === 'embeddings.word' ? group : { ...group, precision: 'fp32' }],
          file,
          'int8',
          progress.signal,
        );
      else await addBias(file, model, group, shift);
    }
  });
  for (const [path, sign] of [
    [INT8_GRAPH, 'signed'],
    [INT8_UNSIGNED_GRAPH, 'unsigned'],
  ] as const) {
    const graph = new OnnxGraph();
    const { modules, heads } = model.checkpoint;
    fastGraph(graph, weights, int8Kernel(weights, model.shape, sign), model.shape, modules, heads);
    await writeFile(join(folder, path), graph.serialize('int8', OPSET));
  }
  await writeFile(join(folder, INT8_SELF_TEST), selfTestGraph());
  return weights;
}

/** Returns what has to be subtracted from the bias, [out]. */
async function addQuantized(
  file: WeightFile,
  model: CheckpointModel,
  { name, weights }: WeightGroup,
  activations: Float32Array | undefined,
): Promise<Float32Array> {
  const matrix = joined(await Promise.all(weights.map((plan) => model.read(plan))));
  const inputs = weights[0]?.shape[1] ?? 1;
  const outputs = matrix.length / inputs;
  const factors = activations === undefined ? undefined : smoothingFactors(activations, columnMaxima(matrix, outputs));
  const quantized = quantizeMatrix(matrix, outputs, factors);
  const arrays = int8Arrays(name);
  await file.addArray(arrays.levels, 'int8', [inputs, outputs], quantized.levels);
  await file.addArray(arrays.scales, 'float', [outputs], quantized.scales);
  if (factors !== undefined)
    await file.addArray(
      arrays.smoothing,
      'float',
      [inputs],
      factors.map((factor) => 1 / factor),
    );
  return biasShift(quantized, inputShift(name, model.shape.activation) ?? 0);
}

/** By how much each output is too large if every input is larger by `shift`, [out]. */
function biasShift({ levels, scales }: QuantizedMatrix, shift: number): Float32Array {
  const outputs = scales.length;
  const sums = new Float64Array(outputs);
  if (shift !== 0)
    for (let at = 0; at < levels.length; at++)
      sums[at % outputs] = (sums[at % outputs] as number) + (levels[at] as number);
  return scales.map((scale, o) => (sums[o] as number) * scale * shift);
}

async function addBias(
  file: WeightFile,
  model: CheckpointModel,
  { name, weights }: WeightGroup,
  shift: Float32Array,
): Promise<void> {
  const bias = joined(await Promise.all(weights.map((plan) => model.read(plan)))).map(
    (value, o) => value - (shift[o] as number),
  );
  await file.add(name, 'fp32', one(bias), bias.length, 0);
}

async function* one(values: Float32Array): AsyncGenerator<Float32Array> {
  yield values;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}
