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

/** Where the bytes of a tensor lie as a whole: row-major, little-endian, in one piece. */
export interface TensorLocation {
  /** The file's path. */
  readonly path: string;
  readonly offset: number;
  readonly type: ElementType;
}

/** A file of tensors as bytes. */
export interface TensorFile {
  readonly names: readonly string[];
  entry(name: string): TensorEntry | undefined;
  /** Row-major, little-endian, in memory of their own. The range lies inside the tensor. @throws InvalidCheckpointError and the format's errors. */
  bytes(name: string, range: ElementRange): Promise<Uint8Array<ArrayBuffer>>;
  /** Undefined where the tensor is a view with gaps, transposed or big-endian. @throws MissingTensorError and the format's errors. */
  location(name: string): Promise<TensorLocation | undefined>;
  close(): Promise<void>;
}

/** Tensors by name, decoded to float32, whole or in slices. */
export interface TensorSource extends TensorFile {
  shape(name: string): readonly number[] | undefined;
  /** Row-major; the whole tensor where no range is given. @throws MissingTensorError, NotFiniteError, UnsupportedModelError for types that no weight has. */
  read(name: string, range?: ElementRange): Promise<Float32Array<ArrayBuffer>>;
}

/** Elements that are read at once: 1 MB of float32 stays in the processor's cache from one use to the next. */
export const SLICE_ELEMENTS = 1 << 18;

export function tensorSource(file: TensorFile): TensorSource {
  const slice = async (name: string, type: ElementType, range: ElementRange): Promise<Float32Array<ArrayBuffer>> => {
    const values = decodeFloats(type, await file.bytes(name, range));
    if (values === undefined) throw new UnsupportedModelError(`the type of tensor ${name}`, type, WEIGHT_TYPES);
    if (!areFinite(values)) throw new NotFiniteError(name, range.from + values.findIndex((value) => !Number.isFinite(value)));
    return values;
  };
  return {
    names: file.names,
    entry: (name) => file.entry(name),
    bytes: (name, range) => file.bytes(name, range),
    location: (name) => file.location(name),
    shape: (name) => file.entry(name)?.shape,
    async read(name, range) {
      const entry = file.entry(name);
      if (entry === undefined) throw new MissingTensorError(name);
      const { from, count } = range ?? { from: 0, count: elementCount(entry.shape) };
      // float32 is taken as it was read; everything else is decoded piece by piece, so that it is never held twice.
      if (entry.type === 'F32' || count <= SLICE_ELEMENTS) return slice(name, entry.type, { from, count });
      const values = new Float32Array(count);
      for (let at = 0; at < count; at += SLICE_ELEMENTS) {
        values.set(await slice(name, entry.type, { from: from + at, count: Math.min(SLICE_ELEMENTS, count - at) }), at);
      }
      return values;
    },
    close: () => file.close(),
  };
}

/** Whether all are finite: an exponent of ones, and a one is carried into the sign. Four at a time keep up with the file. */
function areFinite(values: Float32Array): boolean {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const whole = bits.length & ~3;
  let carried = 0;
  for (let i = 0; i < whole; i += 4) {
    carried |= ((bits[i] as number) & EXPONENT) + ONE_EXPONENT;
    carried |= ((bits[i + 1] as number) & EXPONENT) + ONE_EXPONENT;
    carried |= ((bits[i + 2] as number) & EXPONENT) + ONE_EXPONENT;
    carried |= ((bits[i + 3] as number) & EXPONENT) + ONE_EXPONENT;
  }
  for (let i = whole; i < bits.length; i++) carried |= ((bits[i] as number) & EXPONENT) + ONE_EXPONENT;
  return carried >= 0;
}
/** Of IEEE 754 binary32: the bits of the exponent, and its lowest one. */
const EXPONENT = 0x7f800000;
const ONE_EXPONENT = 0x00800000;

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
