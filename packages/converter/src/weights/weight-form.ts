import { fromHalf, toHalf } from '@kimera/safetensors';
import { BlockSizeError, NotFourBitError } from '../errors.js';
import type { OnnxType } from '@kimera/onnx-file';

/** How a weight matrix lies in the data file. */
export type WeightForm = 'fp32' | 'fp16' | 'q4' | 'int8';

/** Forms of the base variant. All but float16, which rounds, hold exactly the checkpoint's numbers or are refused. */
export type BaseVariant = Exclude<WeightForm, 'int8'>;

/** Bytes in the file for one weight of rows of `columns`, scales included. */
export function bytesPerWeight(form: WeightForm, columns: number): number {
  return form === 'int8' ? 1 + 2 / (eightBitBlock(columns) ?? BLOCK) : BYTES_PER_WEIGHT[form];
}
const BYTES_PER_WEIGHT: Readonly<Record<BaseVariant, number>> = { fp32: 4, fp16: 2, q4: 0.5625 };

/** One array of an encoded weight; row r of the weight is bytes [r·rowBytes, (r+1)·rowBytes). */
export interface PartLayout {
  readonly type: OnnxType;
  /** Dimensions after the first, which is the weight's rows. */
  readonly innerDims: readonly number[];
  readonly rowBytes: number;
}

/** Weights of one block of the 4-bit (ggml's Q4_0) and the 8-bit (Q8_0) form, along the input axis. */
const BLOCK = 32;
/** Of fewer weights, the scales would take a quarter of the room and more. */
const LEAST_BLOCK = 8;

/**
 * Weights of a block of the 8-bit form in rows of `columns`: 32, or the largest number below that divides them (26 of
 * 312); undefined where there is none of at least 8, and such a matrix has no 8-bit form.
 */
export function eightBitBlock(columns: number): number | undefined {
  for (let block = BLOCK; block >= LEAST_BLOCK; block--) if (columns % block === 0) return block;
  return undefined;
}

/** The arrays that a weight of `columns` becomes. @throws BlockSizeError where its rows are not made of whole blocks. */
export function weightLayout(form: WeightForm, name: string, columns: number): readonly PartLayout[] {
  if (form === 'fp32') return [{ type: 'float', innerDims: [columns], rowBytes: columns * 4 }];
  if (form === 'fp16') return [{ type: 'float16', innerDims: [columns], rowBytes: columns * 2 }];
  const block = form === 'int8' ? eightBitBlock(columns) : BLOCK;
  if (block === undefined || columns % block !== 0) throw new BlockSizeError(name, columns, BLOCK);
  const perRow = columns / block;
  return [
    form === 'int8'
      ? { type: 'int8', innerDims: [perRow, block], rowBytes: columns }
      : { type: 'uint8', innerDims: [perRow, block / 2], rowBytes: columns / 2 },
    { type: 'float16', innerDims: [perRow, 1], rowBytes: perRow * 2 },
  ];
}

/**
 * Bytes of whole rows of `columns`, one array a part. @param firstRow where the rows stand in the weight, for messages.
 * @throws NotFourBitError.
 */
export function encodeRows(
  form: WeightForm,
  name: string,
  values: Float32Array,
  firstRow: number,
  columns: number,
): readonly Uint8Array[] {
  if (form === 'fp32') return [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
  if (form === 'fp16') return [new Uint8Array(Uint16Array.from(values, toHalf).buffer)];
  return form === 'int8'
    ? encodeEightBit(values, eightBitBlock(columns) ?? columns)
    : encodeFourBit(name, values, (firstRow * columns) / BLOCK);
}

/** Q8_0: value ≈ q·d with q in -127..127 and d a float16, a 127th of the largest magnitude of the block. */
function encodeEightBit(values: Float32Array, block: number): readonly Uint8Array[] {
  const levels = new Int8Array(values.length);
  const scales = new Uint16Array(values.length / block);
  for (let i = 0; i < scales.length; i++) {
    const first = i * block;
    let largest = 0;
    for (let j = first; j < first + block; j++) largest = Math.max(largest, Math.abs(values[j] as number));
    scales[i] = toHalf(largest / 127);
    const scale = fromHalf(scales[i] as number);
    // The rounded scale may be a little too small for the largest value.
    if (scale > 0)
      for (let j = first; j < first + block; j++)
        levels[j] = Math.max(-127, Math.min(127, Math.round((values[j] as number) / scale)));
  }
  return [new Uint8Array(levels.buffer), new Uint8Array(scales.buffer)];
}

/**
 * Q4_0: value = (q - 8)·d with q in 0..15 and d a float16; the value of largest magnitude has q = 0, so d is minus an
 * eighth of it.
 * Byte j of a block holds q of weight j in its low and of weight j + 16 in its high four bits. Exact or refused.
 */
function encodeFourBit(name: string, values: Float32Array, firstBlock: number): readonly Uint8Array[] {
  const blocks = values.length / BLOCK;
  const packed = new Uint8Array(values.length / 2);
  const scales = new Uint16Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const first = block * BLOCK;
    let largest = 0;
    for (let i = first; i < first + BLOCK; i++)
      if (Math.abs(values[i] as number) > Math.abs(largest)) largest = values[i] as number;
    scales[block] = toHalf(largest / -8);
    const scale = fromHalf(scales[block] as number);
    for (let j = 0; j < BLOCK; j++) {
      const value = values[first + j] as number;
      const level = scale === 0 ? 8 : Math.round(value / scale) + 8;
      if (level < 0 || level > 15 || Math.fround((level - 8) * scale) !== value)
        throw new NotFourBitError(name, firstBlock + block);
      const at = block * (BLOCK / 2) + (j % (BLOCK / 2));
      packed[at] = (packed[at] as number) | (j < BLOCK / 2 ? level : level << 4);
    }
  }
  return [packed, new Uint8Array(scales.buffer)];
}
