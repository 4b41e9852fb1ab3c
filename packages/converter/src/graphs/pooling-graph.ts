import type { Pooling } from '@kimera/core';
import type { OnnxGraph } from '@kimera/onnx-file';
import { denseName, LEFT_OUT, NORM_FLOOR, SUM_FLOOR, type ModuleChain } from '@kimera/reference-encoder';
import type { GraphWeights } from '../weights/graph-weights.js';
import { ACTIVATION_GRAPHS } from './activation-graph.js';
import type { TextGroups } from './text-groups.js';

interface GraphInputs {
  /** [B, T, D]. */
  readonly hidden: string;
  /** T. */
  readonly length: string;
  /** [B, T, 1]: 1 for tokens that take part, 0 for those of the prompt; undefined where all do. */
  readonly kept: string | undefined;
}
/** Texts without padding → [B, D]. */
type PoolingGraph = (graph: OnnxGraph, inputs: GraphInputs) => string;

const at =
  (index: number): PoolingGraph =>
  (graph, { hidden }) =>
    graph.node('Gather', [hidden, graph.int64([index], [])], { axis: 1 });
/** The first token that takes part, of each text; token 0 where none does. */
const firstKept = (graph: OnnxGraph, hidden: string, kept: string): string => {
  const first = graph.node('ArgMax', [kept], { axis: 1, keepdims: 1 });
  const width = graph.node('Shape', [hidden], { start: 2, end: 3 });
  const index = graph.node('Expand', [first, graph.node('Concat', [graph.int64([1, 1]), width], { axis: 0 })]);
  return graph.node('Squeeze', [graph.node('GatherElements', [hidden, index], { axis: 1 }), graph.int64([1])]);
};
const sumOf = (graph: OnnxGraph, x: string): string => graph.node('ReduceSum', [x, graph.int64([1])], { keepdims: 0 });
/** [B, 1]: how many tokens take part. */
const countOf = (graph: OnnxGraph, kept: string): string =>
  graph.node('Max', [sumOf(graph, kept), graph.float(SUM_FLOOR)]);

/**
 * sentence-transformers' pooling kinds over a text without padding; token counts include the special tokens. The same
 * kinds in float64: packages/reference-encoder/src/pooling.ts.
 */
const POOLING_GRAPHS: Readonly<Record<Pooling, PoolingGraph>> = {
  cls: (graph, inputs) =>
    inputs.kept === undefined ? at(0)(graph, inputs) : firstKept(graph, inputs.hidden, inputs.kept),
  lasttoken: at(-1),
  mean: (graph, { hidden, kept }) =>
    kept === undefined
      ? graph.node('ReduceMean', [hidden, graph.int64([1])], { keepdims: 0 })
      : graph.node('Div', [sumOf(graph, graph.node('Mul', [hidden, kept])), countOf(graph, kept)]),
  max: (graph, { hidden, kept }) => {
    const seen =
      kept === undefined
        ? hidden
        : graph.node('Where', [graph.node('Cast', [kept], { to: 9 }), hidden, graph.float(LEFT_OUT)]);
    return graph.node('ReduceMax', [seen, graph.int64([1])], { keepdims: 0 });
  },
  mean_sqrt_len_tokens: (graph, { hidden, length, kept }) => {
    const sum = sumOf(graph, kept === undefined ? hidden : graph.node('Mul', [hidden, kept]));
    return graph.node('Div', [
      sum,
      graph.node('Sqrt', [kept === undefined ? graph.node('Cast', [length], { to: 1 }) : countOf(graph, kept)]),
    ]);
  },
  weightedmean: (graph, { hidden, length, kept }) => {
    const positions = graph.node('Range', [
      graph.int64([1], []),
      graph.node('Add', [length, graph.int64([1], [])]),
      graph.int64([1], []),
    ]);
    const weights = graph.node('Cast', [positions], { to: 1 });
    if (kept !== undefined) {
      const left = graph.node('Mul', [graph.node('Unsqueeze', [weights, graph.int64([0, 2])]), kept]);
      return graph.node('Div', [sumOf(graph, graph.node('Mul', [hidden, left])), countOf(graph, left)]);
    }
    const share = graph.node('Div', [weights, graph.node('ReduceSum', [weights], { keepdims: 1 })]);
    return sumOf(graph, graph.node('Mul', [hidden, graph.node('Unsqueeze', [share, graph.int64([0, 2])])]));
  },
};

/** What the pooling and the modules after it give, [B, D]. */
interface PooledGraph {
  readonly dense: string;
  /** Before the division by the norm; undefined where the chain does not end with one. */
  readonly pooled: string | undefined;
}

/** [N, D] → [B, D']. Several kinds are concatenated; then the modules in their order. @param promptTokens [B], see fastGraph. */
export function poolGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  hidden: string,
  groups: TextGroups,
  hiddenSize: number,
  modules: ModuleChain,
  promptTokens: string | undefined,
): PooledGraph {
  let dense = groups.each([hidden], ([part = hidden], { length, ofTexts }) => {
    const kept = promptTokens === undefined ? undefined : keptGraph(graph, length, ofTexts(promptTokens));
    const kinds = modules.pooling.map((kind) => POOLING_GRAPHS[kind](graph, { hidden: part, length, kept }));
    return kinds.length === 1 ? (kinds[0] as string) : graph.node('Concat', kinds, { axis: -1 });
  });
  let width = hiddenSize * modules.pooling.length;
  let beforeNorm: string | undefined;
  for (const [i, module] of modules.afterPooling.entries()) {
    if (module.kind === 'normalize') {
      beforeNorm ??= dense;
      const norm = graph.node('Max', [
        graph.node('ReduceL2', [dense, graph.int64([-1])], { keepdims: 1 }),
        graph.float(NORM_FLOOR),
      ]);
      dense = graph.node('Div', [dense, norm]);
    } else if (module.kind === 'truncate') {
      dense = graph.node('Slice', [dense, graph.int64([0]), graph.int64([module.dimension]), graph.int64([-1])]);
      if (module.dimension < width) beforeNorm = undefined;
      width = Math.min(width, module.dimension);
    } else {
      const name = denseName(module, i);
      const projected = graph.node('MatMul', [
        dense,
        graph.node('Transpose', [weights.value(graph, `${name}.weight`)], { perm: [1, 0] }),
      ]);
      dense = ACTIVATION_GRAPHS[module.activation](
        graph,
        module.bias === 'present' ? graph.node('Add', [projected, weights.value(graph, `${name}.bias`)]) : projected,
      );
      beforeNorm = undefined;
      width = module.outFeatures;
    }
  }
  return { dense, pooled: beforeNorm };
}

function keptGraph(graph: OnnxGraph, length: string, promptTokens: string): string {
  const positions = graph.node('Range', [graph.int64([0], []), length, graph.int64([1], [])]);
  const kept = graph.node('GreaterOrEqual', [
    graph.node('Unsqueeze', [positions, graph.int64([0])]),
    graph.node('Unsqueeze', [promptTokens, graph.int64([1])]),
  ]);
  return graph.node('Unsqueeze', [graph.node('Cast', [kept], { to: 1 }), graph.int64([2])]);
}
