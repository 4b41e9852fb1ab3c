import { NotFourBitError } from '../errors/checkpoint-errors.js';
import { fromHalf, toHalf } from '../numeric/half.js';
import type { OnnxType } from '../onnx/onnx-graph.js';

/** How a weight matrix lies in the data file. */
export type WeightForm = 'fp32' | 'fp16' | 'q4';

/** One array of an encoded weight; row r of the weight is bytes [r·rowBytes, (r+1)·rowBytes). */
export interface EncodedPart {
  readonly type: OnnxType;
  /** Dimensions after the first, which is the weight's rows. */
  readonly innerDims: readonly number[];
  readonly rowBytes: number;
  readonly bytes: Uint8Array;
}

/** Weights of one block of the 4-bit form, along the input axis (ggml's Q4_0). */
export const BLOCK = 32;

/** Encodes a [rows, columns] matrix. @throws NotFourBitError. */
export function encodeWeight(form: WeightForm, name: string, values: Float32Array, columns: number): readonly EncodedPart[] {
  if (form === 'fp32') return [{ type: 'float', innerDims: [columns], rowBytes: columns * 4, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) }];
  if (form === 'fp16') {
    const halves = Uint16Array.from(values, toHalf);
    return [{ type: 'float16', innerDims: [columns], rowBytes: columns * 2, bytes: new Uint8Array(halves.buffer) }];
  }
  return encodeFourBit(name, values, columns);
}

/**
 * Q4_0: value = (q - 8)·d with q in 0..15 and d a float16; the value of largest magnitude has q = 0, so d is minus an eighth of it.
 * Byte j of a block holds q of weight j in its low and of weight j + 16 in its high four bits. Exact or refused.
 */
function encodeFourBit(name: string, values: Float32Array, columns: number): readonly EncodedPart[] {
  if (columns % BLOCK !== 0) throw new NotFourBitError(name, 0);
  const blocks = values.length / BLOCK;
  const packed = new Uint8Array(values.length / 2);
  const scales = new Uint16Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const first = block * BLOCK;
    let largest = 0;
    for (let i = first; i < first + BLOCK; i++) if (Math.abs(values[i] as number) > Math.abs(largest)) largest = values[i] as number;
    scales[block] = toHalf(largest / -8);
    const scale = fromHalf(scales[block] as number);
    for (let j = 0; j < BLOCK; j++) {
      const value = values[first + j] as number;
      const level = scale === 0 ? 8 : Math.round(value / scale) + 8;
      if (level < 0 || level > 15 || Math.fround((level - 8) * scale) !== value) throw new NotFourBitError(name, block);
      const at = block * (BLOCK / 2) + (j % (BLOCK / 2));
      packed[at] = (packed[at] as number) | (j < BLOCK / 2 ? level : level << 4);
    }
  }
  const perRow = columns / BLOCK;
  return [
    { type: 'uint8', innerDims: [perRow, BLOCK / 2], rowBytes: columns / 2, bytes: packed },
    { type: 'float16', innerDims: [perRow, 1], rowBytes: perRow * 2, bytes: new Uint8Array(scales.buffer) },
  ];
}
