import type { OnnxGraph } from '@kimera/onnx-file';

/** Rows [from, from + rows) of a weight. */
export interface RowRange {
  readonly from: number;
  readonly rows: number;
}

/**
 * How graphs get at the weights of a model, wherever they lie: names are those of weight groups
 * (../model/weight-plan.ts).
 */
export interface GraphWeights {
  /** Float value; whatever decoding it takes, ONNX Runtime folds it when it loads the graph. */
  value(graph: OnnxGraph, name: string, range?: RowRange): string;
  /** Rows of a table by ids [B, T] → [B, T, columns]; only the rows that are used are decoded. */
  gather(graph: OnnxGraph, name: string, ids: string): string;
}
