/** A tensor as a file declares it; its numbers are not read. */
export interface InspectedTensor {
  readonly name: string;
  /** The format's own name: `F32` in safetensors, `float16` in ONNX. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** File beside the graph that holds the numbers; absent where they are inside. */
  readonly location?: string;
}

/** An input or output of a graph; a dimension is a number, a name such as `batch`, or `?`. */
export interface InspectedPort {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxInspection {
  readonly kind: 'onnx';
  readonly path: string;
  readonly bytes: number;
  readonly irVersion: number;
  readonly producer: string;
  /** Domain ('' is the standard one) → version. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Of the main graph, weights left out. */
  readonly inputs: readonly InspectedPort[];
  readonly outputs: readonly InspectedPort[];
  /** `domain::Operator`, the standard domain left out → number of nodes, subgraphs and functions included; by name. */
  readonly operators: Readonly<Record<string, number>>;
  readonly nodes: number;
  /** Initializers, those of subgraphs included. */
  readonly tensors: readonly InspectedTensor[];
  /** `needed` is where the last tensor ends; `bytes` is null where the file is absent. */
  readonly externalFiles: readonly { readonly name: string; readonly needed: number; readonly bytes: number | null }[];
}
