import type { Pooling } from '@kimera/core';
import type { OnnxGraph } from '../onnx/onnx-graph.js';

/** torch.nn.functional.normalize divides by at least this. */
export const NORM_FLOOR = 1e-12;

interface PoolingKind {
  /** [B, T, D] of texts without padding → [B, D]. */
  graph(graph: OnnxGraph, hidden: string, length: string): string;
  /** Hidden states [T, D] → [D], float64. */
  reference(hidden: Float64Array, tokens: number, dimension: number): Float64Array;
}

const at = (index: number): PoolingKind => ({
  graph: (graph, hidden) => graph.node('Gather', [hidden, graph.int64([index], [])], { axis: 1 }),
  reference: (hidden, tokens, dimension) => hidden.slice((index < 0 ? tokens + index : index) * dimension, (index < 0 ? tokens + index + 1 : index + 1) * dimension),
});

const weighted = (weight: (position: number, tokens: number) => number) => (hidden: Float64Array, tokens: number, dimension: number): Float64Array =>
  Float64Array.from({ length: dimension }, (_, d) => {
    let sum = 0;
    for (let t = 0; t < tokens; t++) sum += (hidden[t * dimension + d] as number) * weight(t, tokens);
    return sum;
  });

/** sentence-transformers' pooling kinds over a text without padding; token counts include the special tokens. */
export const POOLING_KINDS: Readonly<Record<Pooling, PoolingKind>> = {
  cls: at(0),
  lasttoken: at(-1),
  mean: {
    graph: (graph, hidden) => graph.node('ReduceMean', [hidden, graph.int64([1])], { keepdims: 0 }),
    reference: weighted((_, tokens) => 1 / tokens),
  },
  max: {
    graph: (graph, hidden) => graph.node('ReduceMax', [hidden, graph.int64([1])], { keepdims: 0 }),
    reference: (hidden, tokens, dimension) =>
      Float64Array.from({ length: dimension }, (_, d) => {
        let largest = -Infinity;
        for (let t = 0; t < tokens; t++) largest = Math.max(largest, hidden[t * dimension + d] as number);
        return largest;
      }),
  },
  mean_sqrt_len_tokens: {
    graph: (graph, hidden, length) => {
      const root = graph.node('Sqrt', [graph.node('Cast', [length], { to: 1 })]);
      return graph.node('Div', [graph.node('ReduceSum', [hidden, graph.int64([1])], { keepdims: 0 }), root]);
    },
    reference: weighted((_, tokens) => 1 / Math.sqrt(tokens)),
  },
  weightedmean: {
    graph: (graph, hidden, length) => {
      const positions = graph.node('Range', [graph.int64([1], []), graph.node('Add', [length, graph.int64([1], [])]), graph.int64([1], [])]);
      const weights = graph.node('Cast', [positions], { to: 1 });
      const share = graph.node('Div', [weights, graph.node('ReduceSum', [weights], { keepdims: 1 })]);
      const scaled = graph.node('Mul', [hidden, graph.node('Unsqueeze', [share, graph.int64([0, 2])])]);
      return graph.node('ReduceSum', [scaled, graph.int64([1])], { keepdims: 0 });
    },
    reference: weighted((t, tokens) => (t + 1) / ((tokens * (tokens + 1)) / 2)),
  },
};

/** Several kinds are concatenated; then the L2 norm where the model has a Normalize module. */
export function poolGraph(graph: OnnxGraph, hidden: string, length: string, pooling: readonly Pooling[], normalize: boolean): string {
  const parts = pooling.map((kind) => POOLING_KINDS[kind].graph(graph, hidden, length));
  const pooled = parts.length === 1 ? (parts[0] as string) : graph.node('Concat', parts, { axis: -1 });
  if (!normalize) return pooled;
  const norm = graph.node('Max', [graph.node('ReduceL2', [pooled, graph.int64([-1])], { keepdims: 1 }), graph.float(NORM_FLOOR)]);
  return graph.node('Div', [pooled, norm]);
}

export function poolReference(hidden: Float64Array, tokens: number, dimension: number, pooling: readonly Pooling[], normalize: boolean): Float64Array {
  const pooled = Float64Array.from(pooling.flatMap((kind) => [...POOLING_KINDS[kind].reference(hidden, tokens, dimension)]));
  if (!normalize) return pooled;
  const norm = Math.max(NORM_FLOOR, Math.sqrt(pooled.reduce((sum, value) => sum + value * value, 0)));
  return pooled.map((value) => value / norm);
}
