import type { WeightFile } from '../weights/weight-file.js';
import { biasOf } from '../graphs/matrix-kernel.js';
import { int8Arrays } from './int8-kernel.js';
import { int8Matrix, usesOf } from './int8-matrix.js';
import type { InputStatistics } from './input-statistics.js';
import type { QuantizedMatrix } from './quantize-matrix.js';

export interface MatrixParts {
  readonly name: string;
  /** [out, in]. */
  readonly weight: Float32Array;
  readonly outputs: number;
  /** [out]; undefined where it is not added to the product. */
  readonly bias: Float32Array | undefined;
  /** Of its inputs; undefined where they were not measured. */
  readonly statistics: InputStatistics | undefined;
  /** How much is added to each input before it is quantised, where steps are dynamic. */
  readonly shift: number;
}

/** Adds what `int8Kernel` reads of a matrix. */
export async function addMatrix(
  file: WeightFile,
  { name, weight, outputs, bias, statistics, shift }: MatrixParts,
): Promise<void> {
  const matrix = int8Matrix(weight, outputs, statistics, usesOf(name));
  const { levels, scales, smoothing, offset, correction, channels, channelWeights } = matrix;
  const arrays = int8Arrays(name);
  await file.addArray(arrays.levels, 'int8', [levels.length / outputs, outputs], levels);
  await file.addArray(arrays.scales, 'float', [outputs], scales);
  if (smoothing !== undefined) await file.addArray(arrays.smoothing, 'float', [smoothing.length], smoothing);
  if (offset !== undefined) await file.addArray(arrays.offset, 'float', [offset.length], offset);
  const shifted = biasShift(matrix, shift);
  const biases = bias?.map((value, o) => value + (correction[o] as number) - (shifted[o] as number));
  if (channels.length === 0) {
    if (biases !== undefined) await file.add(biasOf(name), 'fp32', one(biases), outputs, 0);
    return;
  }
  const rows = biases === undefined ? channelWeights : joined([channelWeights, biases]);
  await file.addArray(arrays.channels, 'int64', [channels.length], BigInt64Array.from(channels, BigInt));
  await file.addArray(arrays.channelWeights, 'float', [rows.length / outputs, outputs], rows);
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

async function* one(values: Float32Array): AsyncGenerator<Float32Array> {
  yield values;
}

export function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}
