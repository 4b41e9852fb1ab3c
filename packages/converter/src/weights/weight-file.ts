import type { FileHandle } from 'node:fs/promises';
import type { OnnxGraph, OnnxType } from '../onnx/onnx-graph.js';
import { BLOCK, encodeWeight, type WeightForm } from './weight-form.js';

/** ONNX Runtime maps external data; offsets of large tensors at this boundary work on every system's page and allocation size. */
const ALIGNMENT = 65_536;
const SMALL_ALIGNMENT = 64;

interface StoredPart {
  readonly type: OnnxType;
  readonly innerDims: readonly number[];
  readonly rowBytes: number;
  readonly offset: number;
}

interface Stored {
  readonly form: WeightForm;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly StoredPart[];
}

/** The external data file under one or more graphs: written once, tensor by tensor, then referred to by row ranges. */
export class WeightFile {
  readonly #stored = new Map<string, Stored>();
  #end = 0;

  constructor(
    readonly location: string,
    private readonly file: FileHandle,
    private readonly onBytes: (bytes: number) => void,
  ) {}

  /** Adds a [rows, columns] matrix, or a vector as one of 1 column less dimension: `columns` 0. */
  async add(name: string, form: WeightForm, values: Float32Array, rows: number, columns: number): Promise<void> {
    const parts: StoredPart[] = [];
    for (const { type, innerDims, rowBytes, bytes } of encodeWeight(form, name, values, columns === 0 ? 1 : columns)) {
      const boundary = bytes.length >= ALIGNMENT ? ALIGNMENT : SMALL_ALIGNMENT;
      const offset = Math.ceil(this.#end / boundary) * boundary;
      await this.file.write(bytes, 0, bytes.length, offset);
      this.#end = offset + bytes.length;
      this.onBytes(bytes.length);
      parts.push({ type, innerDims: columns === 0 ? [] : innerDims, rowBytes, offset });
    }
    this.#stored.set(name, { form, rows, columns, parts });
  }

  /** Float value of rows [from, from + rows) of a weight; ONNX Runtime folds the decoding when it loads the graph. */
  value(graph: OnnxGraph, name: string, range?: { readonly from: number; readonly rows: number }): string {
    const stored = this.#get(name);
    const { from, rows } = range ?? { from: 0, rows: stored.rows };
    const [data, scale] = this.#external(graph, stored, `${name}${range === undefined ? '' : `.${from}`}`, from, rows);
    return this.#decode(graph, stored, data as string, scale, [rows, stored.columns]);
  }

  /** Rows of a table by ids [B, T] → [B, T, columns]; only the rows that are used are decoded. */
  gather(graph: OnnxGraph, name: string, ids: string): string {
    const stored = this.#get(name);
    const [data, scale] = this.#external(graph, stored, name, 0, stored.rows).map((part) => graph.node('Gather', [part, ids], { axis: 0 }));
    return this.#decode(graph, stored, data as string, scale, [0, 0, stored.columns]);
  }

  #get(name: string): Stored {
    const stored = this.#stored.get(name);
    if (stored === undefined) throw new Error(`weight ${name} was not written`);
    return stored;
  }

  #external(graph: OnnxGraph, stored: Stored, name: string, from: number, rows: number): readonly string[] {
    return stored.parts.map(({ type, innerDims, rowBytes, offset }, i) =>
      graph.external(i === 0 ? name : `${name}.scale`, type, [rows, ...innerDims], { location: this.location, offset: offset + from * rowBytes, length: rows * rowBytes }),
    );
  }

  #decode(graph: OnnxGraph, stored: Stored, data: string, scale: string | undefined, shape: readonly number[]): string {
    if (stored.form === 'fp32') return data;
    if (stored.form === 'fp16' || scale === undefined) return graph.node('Cast', [data], { to: 1 });
    const low = graph.node('BitwiseAnd', [data, graph.uint8(15)]);
    const high = graph.node('BitShift', [data, graph.uint8(4)], { direction: 'RIGHT' });
    const levels = graph.node('Cast', [graph.node('Concat', [low, high], { axis: -1 })], { to: 1 });
    const centred = graph.node('Sub', [levels, graph.float(8)]);
    const scaled = graph.node('Mul', [centred, graph.node('Cast', [scale], { to: 1 })]);
    return graph.node('Reshape', [scaled, graph.int64(shape)]);
  }
}

/** True where the 4-bit form can hold rows of this length. */
export function fitsFourBit(columns: number): boolean {
  return columns > 0 && columns % BLOCK === 0;
}
