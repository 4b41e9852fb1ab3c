import { MissingTensorError, NotFiniteError, UnsupportedModelError } from '../errors/checkpoint-errors.js';
import { decodeFloats, ELEMENT_BYTES, WEIGHT_TYPES, type ElementType } from './element-type.js';

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
  /** Row-major, little-endian, in `memory` where the format can and it is large enough, otherwise in their own. The range lies inside the tensor. @throws InvalidCheckpointError and the format's errors. */
  bytes(name: string, range: ElementRange, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** Undefined where the tensor is a view with gaps, transposed or big-endian. @throws MissingTensorError and the format's errors. */
  location(name: string): Promise<TensorLocation | undefined>;
  close(): Promise<void>;
}

/** Tensors by name, decoded to float32, whole or in slices. */
export interface TensorSource extends TensorFile {
  shape(name: string): readonly number[] | undefined;
  /** Row-major; the whole tensor where no range is given. @throws MissingTensorError, NotFiniteError, UnsupportedModelError for types that no weight has. */
  read(name: string, range?: ElementRange): Promise<Float32Array<ArrayBuffer>>;
  /** The tensor in order, in whole rows of about 1 MB together; each is valid until the next is asked for: they lie in the same memory. @throws as read. */
  slices(name: string): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined>;
}

/** Elements that are read at once: 1 MB of float32 stays in the processor's cache from one use to the next. */
const SLICE_ELEMENTS = 1 << 18;

export function tensorSource(file: TensorFile): TensorSource {
  const entryOf = (name: string): TensorEntry => {
    const entry = file.entry(name);
    if (entry === undefined) throw new MissingTensorError(name);
    return entry;
  };
  const slice = async (name: string, type: ElementType, range: ElementRange, memory?: Uint8Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> => {
    const values = decodeFloats(type, await file.bytes(name, range, memory));
    if (values === undefined) throw new UnsupportedModelError(`the type of tensor ${name}`, type, WEIGHT_TYPES);
    if (!areFinite(values)) throw new NotFiniteError(name, range.from + values.findIndex((value) => !Number.isFinite(value)));
    return values;
  };
  async function* slices(name: string): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
    const { type, shape } = entryOf(name);
    const total = elementCount(shape);
    const width = elementCount(shape.slice(1));
    const step = Math.max(1, Math.floor(SLICE_ELEMENTS / width)) * width;
    // Pages that the system has to clear for each slice anew would take a third of the time.
    const memory = new Uint8Array(Math.min(step, total) * ELEMENT_BYTES[type]);
    for (let from = 0; from < total; from += step) yield await slice(name, type, { from, count: Math.min(step, total - from) }, memory);
  }
  return {
    names: file.names,
    entry: (name) => file.entry(name),
    bytes: (name, range, memory) => file.bytes(name, range, memory),
    location: (name) => file.location(name),
    shape: (name) => file.entry(name)?.shape,
    async read(name, range) {
      const { type, shape } = entryOf(name);
      const whole = elementCount(shape);
      if (range !== undefined || type === 'F32' || whole <= SLICE_ELEMENTS) return slice(name, type, range ?? { from: 0, count: whole });
      // What has to be decoded is never held twice.
      const values = new Float32Array(whole);
      let at = 0;
      for await (const part of slices(name)) {
        values.set(part, at);
        at += part.length;
      }
      return values;
    },
    slices,
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
