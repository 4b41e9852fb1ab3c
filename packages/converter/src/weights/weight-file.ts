import type { FileHandle } from 'node:fs/promises';
import type { OnnxGraph, OnnxType } from '@kimera/onnx-file';
import type { GraphWeights, RowRange } from './graph-weights.js';
import { encodeRows, weightLayout, type PartLayout, type WeightForm } from './weight-form.js';

/**
 * ONNX Runtime maps external data; offsets of large tensors at this boundary work on every system's page and allocation
 * size.
 */
const ALIGNMENT = 65_536;
const SMALL_ALIGNMENT = 64;

/** Where an array of so many bytes may start, from `end` on. */
function aligned(end: number, bytes: number): number {
  const boundary = bytes >= ALIGNMENT ? ALIGNMENT : SMALL_ALIGNMENT;
  return Math.ceil(end / boundary) * boundary;
}

interface StoredPart extends PartLayout {
  readonly offset: number;
}

interface StoredArray {
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly offset: number;
  readonly bytes: number;
}

interface Stored {
  readonly form: WeightForm;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly StoredPart[];
}

/** The external data file under one or more graphs: written once, tensor by tensor, then referred to by row ranges. */
export class WeightFile implements GraphWeights {
  readonly #stored = new Map<string, Stored>();
  readonly #arrays = new Map<string, StoredArray>();
  #end = 0;

  constructor(
    readonly location: string,
    private readonly file: FileHandle,
    private readonly onBytes: (bytes: number) => void,
  ) {}

  /**
   * Adds a [rows, columns] matrix, or a vector as one of `columns` 0. @param slices its values in order, in whole rows:
   * the weight is never held as a whole.
   */
  async add(
    name: string,
    form: WeightForm,
    slices: AsyncIterable<Float32Array>,
    rows: number,
    columns: number,
  ): Promise<void> {
    const width = columns === 0 ? 1 : columns;
    const parts: StoredPart[] = [];
    for (const layout of weightLayout(form, name, width)) {
      const offset = aligned(this.#end, layout.rowBytes * rows);
      this.#end = offset + layout.rowBytes * rows;
      parts.push({ ...layout, innerDims: columns === 0 ? [] : layout.innerDims, offset });
    }
    let row = 0;
    for await (const slice of slices) {
      const encoded = encodeRows(form, name, slice, row, width);
      for (const [i, bytes] of encoded.entries()) {
        const { offset, rowBytes } = parts[i] as StoredPart;
        await this.file.write(bytes, 0, bytes.length, offset + row * rowBytes);
        this.onBytes(bytes.length);
      }
      row += slice.length / width;
    }
    this.#stored.set(name, { form, rows, columns, parts });
  }

  /** Adds an array that graphs read as it is. */
  async addArray(
    name: string,
    type: OnnxType,
    dims: readonly number[],
    values: Int8Array | Float32Array | BigInt64Array,
  ): Promise<void> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const offset = aligned(this.#end, bytes.length);
    this.#end = offset + bytes.length;
    await this.file.write(bytes, 0, bytes.length, offset);
    this.onBytes(bytes.length);
    this.#arrays.set(name, { type, dims, offset, bytes: bytes.length });
  }

  hasArray(name: string): boolean {
    return this.#arrays.has(name);
  }

  array(graph: OnnxGraph, name: string): string {
    const stored = this.#arrays.get(name);
    if (stored === undefined) throw new Error(`array ${name} was not written`);
    return graph.external(name, stored.type, stored.dims, {
      location: this.location,
      offset: stored.offset,
      length: stored.bytes,
    });
  }

  value(graph: OnnxGraph, name: string, range?: RowRange): string {
    const stored = this.#get(name);
    const { from, rows } = range ?? { from: 0, rows: stored.rows };
    const [data, scale] = this.#external(graph, stored, `${name}${range === undefined ? '' : `.${from}`}`, from, rows);
    return this.#decode(graph, stored, data as string, scale, [rows, stored.columns]);
  }

  gather(graph: OnnxGraph, name: string, ids: string): string {
    const stored = this.#get(name);
    const [data, scale] = this.#external(graph, stored, name, 0, stored.rows).map((part) =>
      graph.node('Gather', [part, ids], { axis: 0 }),
    );
    return this.#decode(graph, stored, data as string, scale, [0, 0, stored.columns]);
  }

  #get(name: string): Stored {
    const stored = this.#stored.get(name);
    if (stored === undefined) throw new Error(`weight ${name} was not written`);
    return stored;
  }

  #external(graph: OnnxGraph, stored: Stored, name: string, from: number, rows: number): readonly string[] {
    return stored.parts.map(({ type, innerDims, rowBytes, offset }, i) =>
      graph.external(i === 0 ? name : `${name}.scale`, type, [rows, ...innerDims], {
        location: this.location,
        offset: offset + from * rowBytes,
        length: rows * rowBytes,
      }),
    );
  }

  #decode(graph: OnnxGraph, stored: Stored, data: string, scale: string | undefined, shape: readonly number[]): string {
    if (stored.form === 'fp32') return data;
    if (stored.form === 'fp16' || scale === undefined) return graph.node('Cast', [data], { to: 1 });
    if (stored.form === 'int8')
      return graph.node('Reshape', [
        graph.node('Mul', [graph.node('Cast', [data], { to: 1 }), graph.node('Cast', [scale], { to: 1 })]),
        graph.int64(shape),
      ]);
    const low = graph.node('BitwiseAnd', [data, graph.uint8(15)]);
    const high = graph.node('BitShift', [data, graph.uint8(4)], { direction: 'RIGHT' });
    const levels = graph.node('Cast', [graph.node('Concat', [low, high], { axis: -1 })], { to: 1 });
    const centred = graph.node('Sub', [levels, graph.float(8)]);
    const scaled = graph.node('Mul', [centred, graph.node('Cast', [scale], { to: 1 })]);
    return graph.node('Reshape', [scaled, graph.int64(shape)]);
  }
}
