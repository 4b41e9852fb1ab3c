import { decodeFloats, elementCount, FLOAT_TYPES, type ElementType, type TensorEntry } from '@kimera/safetensors';
import { MissingTensorError, NotFiniteError, UnsupportedModelError } from './errors.js';
import { FloatMemory } from './float-memory.js';

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
  /**
   * Row-major, little-endian, in `memory` where the format can and it is large enough, otherwise in their own. The
   * range lies inside the tensor. @throws InvalidCheckpointError and the format's errors.
   */
  bytes(name: string, range: ElementRange, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Undefined where the tensor is a view with gaps, transposed or big-endian. @throws MissingTensorError and the
   * format's errors.
   */
  location(name: string): Promise<TensorLocation | undefined>;
  close(): Promise<void>;
}

/** Tensors by name, decoded to float32, whole or in slices. */
export interface TensorSource extends TensorFile {
  shape(name: string): readonly number[] | undefined;
  /**
   * Row-major; the whole tensor where no range is given. @throws MissingTensorError, NotFiniteError,
   * UnsupportedModelError for types that no weight has.
   */
  read(name: string, range?: ElementRange): Promise<Float32Array<ArrayBuffer>>;
  /**
   * The tensor in order, in whole rows of at most 1 MB together, or one row; each is valid until the next is asked for:
   * they lie in the same memory. @throws as read.
   */
  slices(name: string): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined>;
}

/** Elements that are read at once: 1 MB of float32 stays in the processor's cache from one use to the next. */
const SLICE_ELEMENTS = 1 << 18;

/** A tensor of no more is read at once: slices, and their memory, are for large ones. */
const SMALL_ELEMENTS = 1 << 12;

/**
 * Memories of slices that are used again. With new memory for each slice, a third of the time would go into the
 * system's clearing of pages.
 */
const free: FloatMemory[] = [];

export function tensorSource(file: TensorFile): TensorSource {
  const entryOf = (name: string): TensorEntry => {
    const entry = file.entry(name);
    if (entry === undefined) throw new MissingTensorError(name, file.names);
    return entry;
  };
  const readRange = async (
    name: string,
    type: ElementType,
    range: ElementRange,
    memory?: FloatMemory,
  ): Promise<Float32Array<ArrayBuffer>> => {
    const values = decodeFloats(type, await file.bytes(name, range, memory?.bytes));
    if (values === undefined) throw new UnsupportedModelError(`the type of tensor ${name}`, type, FLOAT_TYPES);
    const isKnownFinite =
      memory !== undefined && values.buffer === memory.bytes.buffer && memory.areFinite(values.length);
    const wrong = isKnownFinite ? -1 : firstNotFinite(values);
    if (wrong >= 0) throw new NotFiniteError(name, range.from + wrong);
    return values;
  };
  async function* slices(name: string): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
    const { type, shape } = entryOf(name);
    const total = elementCount(shape);
    const width = elementCount(shape.slice(1));
    const step = Math.max(1, Math.floor(SLICE_ELEMENTS / width)) * width;
    const memories = [takeMemory(), takeMemory()] as const;
    const start = (from: number): Promise<Float32Array<ArrayBuffer>> => {
      const reading = readRange(name, type, { from, count: Math.min(step, total - from) }, memories[(from / step) % 2]);
      // The caller awaits it later. Without this line, a failure before that would count as unhandled.
      reading.catch(() => undefined);
      return reading;
    };
    let next: Promise<Float32Array<ArrayBuffer>> | undefined;
    try {
      next = total === 0 ? undefined : start(0);
      for (let from = step; next !== undefined; from += step) {
        const values = await next;
        // The next slice is read while the caller works on this one.
        next = from < total ? start(from) : undefined;
        yield values;
      }
    } finally {
      // A read may still be under way: the memories are free only after it.
      void Promise.resolve(next)
        .catch(() => undefined)
        .then(() => free.push(...memories));
    }
  }
  return {
    names: file.names,
    entry: (name) => file.entry(name),
    bytes: (name, range, memory) => file.bytes(name, range, memory),
    location: (name) => file.location(name),
    shape: (name) => file.entry(name)?.shape,
    async read(name, range) {
      const { type, shape } = entryOf(name);
      const total = elementCount(shape);
      if (range !== undefined || total <= SMALL_ELEMENTS)
        return readRange(name, type, range ?? { from: 0, count: total });
      const values = new Float32Array(total);
      let at = 0;
      for await (const slice of slices(name)) {
        values.set(slice, at);
        at += slice.length;
      }
      return values;
    },
    slices,
    close: () => file.close(),
  };
}

/** Index of the first number that is not finite, or −1. */
function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

function takeMemory(): FloatMemory {
  return free.pop() ?? new FloatMemory(SLICE_ELEMENTS * Float32Array.BYTES_PER_ELEMENT);
}
