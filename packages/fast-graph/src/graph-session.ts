/** What goes into a graph, row-major; a scalar has no dims. */
export type GraphInput =
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] }
  | { readonly type: 'bool' | 'uint8'; readonly data: Uint8Array; readonly dims: readonly number[] };

/** What comes out: as much of ONNX Runtime's own tensor as is looked at. */
export interface GraphOutput {
  /** Float32Array of a float output, Uint8Array of a bool. */
  readonly data: unknown;
}

/** One loaded ONNX graph, whichever runtime runs it. */
export interface GraphSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** At least the named outputs that the graph has. Rejects with the runtime's own error. */
  run(
    feeds: Readonly<Record<string, GraphInput>>,
    outputs: readonly string[],
  ): Promise<Readonly<Record<string, GraphOutput>>>;
}
