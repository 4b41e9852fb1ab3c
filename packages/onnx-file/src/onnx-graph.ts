import { ProtobufWriter } from './protobuf-writer.js';

/** onnx.proto3 (1.17) TensorProto.DataType. */
export const ONNX_TYPES = { float: 1, uint8: 2, int8: 3, int64: 7, bool: 9, float16: 10, bfloat16: 16 } as const;
export type OnnxType = keyof typeof ONNX_TYPES;
export type Attribute = number | { readonly float: number } | readonly number[] | string;

/** Bytes of a tensor in the external data file. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

interface Port {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly (string | number)[];
}

/** LayerNormalization needs 17, BitwiseAnd 18. */
export const OPSET = 18;
const IR_VERSION = 8;
const MICROSOFT = 'com.microsoft';

/** Builds an ONNX model node by node. Field numbers are those of onnx.proto3 (1.17). */
export class OnnxGraph {
  /** Where new nodes go: the graph's, or those of a branch being built. */
  #nodes: ProtobufWriter[] = [];
  readonly #initializers: ProtobufWriter[] = [];
  readonly #inputs: Port[] = [];
  readonly #outputs: Port[] = [];
  readonly #constants = new Map<string, string>();
  #count = 0;

  input(name: string, type: OnnxType, dims: readonly (string | number)[]): string {
    this.#inputs.push({ name, type, dims });
    return name;
  }

  output(value: string, name: string, type: OnnxType, dims: readonly (string | number)[]): void {
    this.#emit('Identity', [value], [name], {}, '');
    this.#outputs.push({ name, type, dims });
  }

  /** A standard operator with one output. */
  node(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.nodes(operator, inputs, 1, attributes)[0] as string;
  }

  nodes(
    operator: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): readonly string[] {
    const names = Array.from({ length: outputs }, () => `v${this.#count++}`);
    this.#emit(operator, inputs, names, attributes, '');
    return names;
  }

  /** One of ONNX Runtime's own operators, with one output. */
  fused(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `v${this.#count++}`;
    this.#emit(operator, inputs, [name], attributes, MICROSOFT);
    return name;
  }

  /**
   * A float value that one of two branches computes; the other costs nothing. Constants and weights belong to the outer
   * graph.
   */
  conditional(condition: string, then: () => string, otherwise: () => string): string {
    const name = `v${this.#count++}`;
    const branch = (suffix: string, build: () => string): ProtobufWriter => {
      const [nodes, result] = this.#inner(build);
      return subgraph(`${name}_${suffix}`, nodes, [], [portOf(result, FLOAT)]);
    };
    this.#nodes.push(
      new ProtobufWriter()
        .string(1, condition)
        .string(2, name)
        .string(3, name)
        .string(4, 'If')
        .message(5, graphAttribute('then_branch', branch('then', then)))
        .message(5, graphAttribute('else_branch', branch('else', otherwise))),
    );
    return name;
  }

  /**
   * The float values that `part` computes for the indexes 0 to `count` - 1 (int64 scalars), one behind the other on axis
   * 0. Constants and weights belong to the outer graph.
   */
  concatenated(count: string, part: (index: string) => string): string {
    const name = `v${this.#count++}`;
    const [index, condition, parts] = [`${name}_index`, `${name}_condition`, `${name}_parts`];
    const [nodes, [next, all]] = this.#inner(() => {
      const value = part(index);
      return [this.node('Identity', [condition]), this.node('SequenceInsert', [parts, value])] as const;
    });
    const sequence = new ProtobufWriter().message(4, new ProtobufWriter().message(1, FLOAT));
    const body = subgraph(
      `${name}_body`,
      nodes,
      [portOf(index, scalarType('int64')), portOf(condition, scalarType('bool')), portOf(parts, sequence)],
      [portOf(next, scalarType('bool')), portOf(all, sequence)],
    );
    const none = this.node('SequenceEmpty', [], { dtype: ONNX_TYPES.float });
    this.#nodes.push(
      new ProtobufWriter()
        .string(1, count)
        .string(1, '')
        .string(1, none)
        .string(2, name)
        .string(3, name)
        .string(4, 'Loop')
        .message(5, graphAttribute('body', body)),
    );
    return this.node('ConcatFromSequence', [name], { axis: 0 });
  }

  external(name: string, type: OnnxType, dims: readonly number[], data: ExternalData): string {
    const tensor = tensorHeader(name, type, dims);
    for (const [key, value] of [
      ['location', data.location],
      ['offset', String(data.offset)],
      ['length', String(data.length)],
    ] as const) {
      tensor.message(13, new ProtobufWriter().string(1, key).string(2, value));
    }
    this.#initializers.push(tensor.int(14, 1));
    return name;
  }

  int64(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const bytes = new DataView(new ArrayBuffer(values.length * 8));
    values.forEach((value, i) => bytes.setBigInt64(i * 8, BigInt(value), true));
    return this.#constant('int64', dims, new Uint8Array(bytes.buffer));
  }
  float(value: number): string {
    const bytes = new DataView(new ArrayBuffer(4));
    bytes.setFloat32(0, value, true);
    return this.#constant('float', [], new Uint8Array(bytes.buffer));
  }
  uint8(value: number): string {
    return this.#constant('uint8', [], Uint8Array.of(value));
  }

  int8(values: Int8Array<ArrayBuffer>, dims: readonly number[]): string {
    return this.#constant('int8', dims, new Uint8Array(values.buffer));
  }

  serialize(name: string, opset: number): Uint8Array {
    const graph = new ProtobufWriter();
    for (const node of this.#nodes) graph.message(1, node);
    graph.string(2, name);
    for (const tensor of this.#initializers) graph.message(5, tensor);
    for (const port of this.#inputs) graph.message(11, valueInfo(port));
    for (const port of this.#outputs) graph.message(12, valueInfo(port));
    return new ProtobufWriter()
      .int(1, IR_VERSION)
      .string(2, 'kimera')
      .message(7, graph)
      .message(8, new ProtobufWriter().string(1, '').int(2, opset))
      .message(8, new ProtobufWriter().string(1, MICROSOFT).int(2, 1))
      .finish();
  }

  /** The nodes that `build` makes, apart from the others, and what it gives. */
  #inner<Result>(build: () => Result): readonly [readonly ProtobufWriter[], Result] {
    const outer = this.#nodes;
    this.#nodes = [];
    try {
      const result = build();
      return [this.#nodes, result];
    } finally {
      this.#nodes = outer;
    }
  }

  #constant(type: OnnxType, dims: readonly number[], raw: Uint8Array): string {
    const key = `${type} ${dims.join('x')} ${Buffer.from(raw).toString('hex')}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `c${this.#constants.size}`;
    this.#constants.set(key, name);
    this.#initializers.push(tensorHeader(name, type, dims).bytes(9, raw));
    return name;
  }

  #emit(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    domain: string,
  ): void {
    const node = new ProtobufWriter();
    for (const input of inputs) node.string(1, input);
    for (const output of outputs) node.string(2, output);
    node.string(3, `${operator}_${this.#nodes.length}`).string(4, operator);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    if (domain !== '') node.string(7, domain);
    this.#nodes.push(node);
  }
}

/** TypeProto of a float tensor of any shape. */
const FLOAT = new ProtobufWriter().message(1, new ProtobufWriter().int(1, ONNX_TYPES.float));

function scalarType(type: OnnxType): ProtobufWriter {
  return new ProtobufWriter().message(
    1,
    new ProtobufWriter().int(1, ONNX_TYPES[type]).message(2, new ProtobufWriter()),
  );
}

function portOf(name: string, type: ProtobufWriter): ProtobufWriter {
  return new ProtobufWriter().string(1, name).message(2, type);
}

function subgraph(
  name: string,
  nodes: readonly ProtobufWriter[],
  inputs: readonly ProtobufWriter[],
  outputs: readonly ProtobufWriter[],
): ProtobufWriter {
  const graph = new ProtobufWriter();
  for (const node of nodes) graph.message(1, node);
  graph.string(2, name);
  for (const input of inputs) graph.message(11, input);
  for (const output of outputs) graph.message(12, output);
  return graph;
}

function graphAttribute(name: string, graph: ProtobufWriter): ProtobufWriter {
  return new ProtobufWriter().string(1, name).message(6, graph).int(20, 5);
}

function tensorHeader(name: string, type: OnnxType, dims: readonly number[]): ProtobufWriter {
  const tensor = new ProtobufWriter();
  for (const dimension of dims) tensor.int(1, dimension);
  return tensor.int(2, ONNX_TYPES[type]).string(8, name);
}

function attribute(name: string, value: Attribute): ProtobufWriter {
  const message = new ProtobufWriter().string(1, name);
  if (typeof value === 'number') return message.int(3, value).int(20, 2);
  if (typeof value === 'string') return message.string(4, value).int(20, 3);
  if ('float' in value) return message.float(2, value.float).int(20, 1);
  for (const item of value) message.int(8, item);
  return message.int(20, 7);
}

function valueInfo({ name, type, dims }: Port): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const dimension of dims) {
    shape.message(
      1,
      typeof dimension === 'number'
        ? new ProtobufWriter().int(1, dimension)
        : new ProtobufWriter().string(2, dimension),
    );
  }
  const tensor = new ProtobufWriter().int(1, ONNX_TYPES[type]).message(2, shape);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}
