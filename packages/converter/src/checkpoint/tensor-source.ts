import { MissingTensorError, NotFiniteError, UnsupportedModelError } from '../errors/checkpoint-errors.js';
import { decodeFloats, WEIGHT_TYPES, type ElementType } from './element-type.js';

export interface TensorEntry {
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** Elements [from, from + count) of a tensor in row-major order. */
export interface ElementRange {
  readonly from: number;
  readonly count: number;
}

/** A file of tensors as bytes. */
export interface TensorFile {
  readonly names: readonly string[];
  entry(name: string): TensorEntry | undefined;
  /** Row-major, little-endian, in memory of their own. The range lies inside the tensor. @throws InvalidCheckpointError and the format's errors. */
  bytes(name: string, range: ElementRange): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Tensors by name, decoded to float32, whole or in slices. */
export interface TensorSource extends TensorFile {
  shape(name: string): readonly number[] | undefined;
  /** Row-major; the whole tensor where no range is given. @throws MissingTensorError, NotFiniteError, UnsupportedModelError for types that no weight has. */
  read(name: string, range?: ElementRange): Promise<Float32Array<ArrayBuffer>>;
}

/** Elements that are read at once: 4 MB of float32. */
export const SLICE_ELEMENTS = 1 << 20;

export function tensorSource(file: TensorFile): TensorSource {
  const slice = async (name: string, type: ElementType, range: ElementRange): Promise<Float32Array> => {
    const values = decodeFloats(type, await file.bytes(name, range));
    if (values === undefined) throw new UnsupportedModelError(`the type of tensor ${name}`, type, WEIGHT_TYPES);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new NotFiniteError(name, range.from + bad);
    return values;
  };
  return {
    names: file.names,
    entry: (name) => file.entry(name),
    bytes: (name, range) => file.bytes(name, range),
    shape: (name) => file.entry(name)?.shape,
    async read(name, range) {
      const entry = file.entry(name);
      if (entry === undefined) throw new MissingTensorError(name);
      const { from, count } = range ?? { from: 0, count: elementCount(entry.shape) };
      const values = new Float32Array(count);
      for (let at = 0; at < count; at += SLICE_ELEMENTS) {
        values.set(await slice(name, entry.type, { from: from + at, count: Math.min(SLICE_ELEMENTS, count - at) }), at);
      }
      return values;
    },
    close: () => file.close(),
  };
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
