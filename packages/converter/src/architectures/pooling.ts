import { norm, type Pooling } from '@kimera/core';
import type { AfterPooling, ModuleChain } from '../checkpoint/modules.js';
import type { WeightReader } from '../encoder/forward-pass.js';
import { aloneGroup, type WeightGroup } from '../encoder/weight-plan.js';
import { InvalidConfigurationError } from '../errors/checkpoint-errors.js';
import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { linear } from '../reference/linear.js';
import type { GraphWeights } from '../weights/graph-weights.js';
import { activation } from './activations.js';

/** torch.nn.functional.normalize divides by at least this. */
export const NORM_FLOOR = 1e-12;
/** sentence-transformers divides by at least this (5.7, Pooling.py). */
const SUM_FLOOR = 1e-9;
/** What sentence-transformers puts where a token is left out of a maximum. */
const LEFT_OUT = -1e9;

export type Pooler = ModuleChain;

interface GraphInputs {
  /** [B, T, D]. */
  readonly hidden: string;
  /** T. */
  readonly length: string;
  /** [B, T, 1]: 1 for tokens that take part, 0 for those of the prompt; undefined where all do. */
  readonly kept: string | undefined;
}
interface PoolingKind {
  /** Texts without padding → [B, D]. */
  graph(graph: OnnxGraph, inputs: GraphInputs): string;
  /** Hidden states [T, D] → [D], float64; tokens from `first` on take part. */
  reference(hidden: Float64Array, tokens: number, dimension: number, first: number): Float64Array;
}

const at = (index: number): PoolingKind => ({
  graph: (graph, { hidden }) => graph.node('Gather', [hidden, graph.int64([index], [])], { axis: 1 }),
  reference: (hidden, tokens, dimension) =>
    hidden.slice(
      (index < 0 ? tokens + index : index) * dimension,
      (index < 0 ? tokens + index + 1 : index + 1) * dimension,
    ),
});

/** Σ weight·h / divisor, the weights of the tokens that take part alone. */
const weighted =
  (weight: (position: number) => number, divisor: (sum: number) => number) =>
  (hidden: Float64Array, tokens: number, dimension: number, first: number): Float64Array => {
    const pooled = new Float64Array(dimension);
    let total = 0;
    for (let t = first; t < tokens; t++) {
      total += weight(t);
      for (let d = 0; d < dimension; d++)
        pooled[d] = (pooled[d] as number) + (hidden[t * dimension + d] as number) * weight(t);
    }
    return pooled.map((value) => value / divisor(Math.max(total, SUM_FLOOR)));
  };
const sumOf = (graph: OnnxGraph, x: string): string => graph.node('ReduceSum', [x, graph.int64([1])], { keepdims: 0 });
/** [B, 1]: how many tokens take part. */
const countOf = (graph: OnnxGraph, kept: string): string =>
  graph.node('Max', [sumOf(graph, kept), graph.float(SUM_FLOOR)]);

/** sentence-transformers' pooling kinds over a text without padding; token counts include the special tokens. */
export const POOLING_KINDS: Readonly<Record<Pooling, PoolingKind>> = {
  cls: at(0),
  lasttoken: at(-1),
  mean: {
    graph: (graph, { hidden, kept }) =>
      kept === undefined
        ? graph.node('ReduceMean', [hidden, graph.int64([1])], { keepdims: 0 })
        : graph.node('Div', [sumOf(graph, graph.node('Mul', [hidden, kept])), countOf(graph, kept)]),
    reference: weighted(
      () => 1,
      (sum) => sum,
    ),
  },
  max: {
    graph: (graph, { hidden, kept }) => {
      const seen =
        kept === undefined
          ? hidden
          : graph.node('Where', [graph.node('Cast', [kept], { to: 9 }), hidden, graph.float(LEFT_OUT)]);
      return graph.node('ReduceMax', [seen, graph.int64([1])], { keepdims: 0 });
    },
    reference: (hidden, tokens, dimension, first) =>
      Float64Array.from({ length: dimension }, (_, d) => {
        let largest = first === 0 ? -Infinity : LEFT_OUT;
        for (let t = first; t < tokens; t++) largest = Math.max(largest, hidden[t * dimension + d] as number);
        return largest;
      }),
  },
  mean_sqrt_len_tokens: {
    graph: (graph, { hidden, length, kept }) => {
      const sum = sumOf(graph, kept === undefined ? hidden : graph.node('Mul', [hidden, kept]));
      return graph.node('Div', [
        sum,
        graph.node('Sqrt', [kept === undefined ? graph.node('Cast', [length], { to: 1 }) : countOf(graph, kept)]),
      ]);
    },
    reference: weighted(() => 1, Math.sqrt),
  },
  weightedmean: {
    graph: (graph, { hidden, length, kept }) => {
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
    reference: weighted(
      (t) => t + 1,
      (sum) => sum,
    ),
  },
};

/** D', numbers of the vector at the end of the chain. */
export function dimensionOf({ pooling, afterPooling }: Pooler, hiddenSize: number): number {
  return afterPooling.reduce(
    (width, module) => (module.kind === 'dense' ? module.outFeatures : width),
    hiddenSize * pooling.length,
  );
}

/** @throws InvalidConfigurationError where a module expects another width than the one before gives. */
export function checkWidths({ pooling, afterPooling, width }: Pooler, hiddenSize: number): void {
  if (width !== undefined && width !== hiddenSize)
    throw new InvalidConfigurationError(
      '1_Pooling/config.json',
      `the dimension is ${width}, hidden_size ${hiddenSize}`,
    );
  afterPooling.reduce((given, module) => {
    if (module.kind === 'normalize') return given;
    if (module.inFeatures !== given)
      throw new InvalidConfigurationError(
        `${module.path}/config.json`,
        `in_features is ${module.inFeatures}, the module before gives ${given}`,
      );
    return module.outFeatures;
  }, hiddenSize * pooling.length);
}

/** True where the last module divides by the L2 norm. */
export function endsNormalized({ afterPooling }: Pooler): boolean {
  return afterPooling.at(-1)?.kind === 'normalize';
}

/**
 * Weights of the Dense modules. Place and activation change every vector, so they are part of the canonical name and
 * with it of the hash.
 */
export function moduleWeights({ afterPooling }: Pooler): readonly WeightGroup[] {
  return afterPooling.flatMap((module, i) => {
    if (module.kind !== 'dense') return [];
    const name = denseName(module, i);
    return [
      aloneGroup('fp32', {
        name: `${name}.weight`,
        sources: [`${module.path}/linear.weight`],
        shape: [module.outFeatures, module.inFeatures],
      }),
      ...(module.bias === 'present'
        ? [
            aloneGroup('fp32', {
              name: `${name}.bias`,
              sources: [`${module.path}/linear.bias`],
              shape: [module.outFeatures],
            }),
          ]
        : []),
    ];
  });
}

function denseName(module: Extract<AfterPooling, { kind: 'dense' }>, index: number): string {
  return `after_pooling.${index}.dense.${module.activation}`;
}

/** Several kinds are concatenated; then the modules in their order. @param promptTokens [B], see fastGraph. */
export function poolGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  hidden: string,
  length: string,
  pooler: Pooler,
  promptTokens: string | undefined,
): string {
  const kept = promptTokens === undefined ? undefined : keptGraph(graph, length, promptTokens);
  const parts = pooler.pooling.map((kind) => POOLING_KINDS[kind].graph(graph, { hidden, length, kept }));
  const pooled = parts.length === 1 ? (parts[0] as string) : graph.node('Concat', parts, { axis: -1 });
  return pooler.afterPooling.reduce((x, module, i) => {
    if (module.kind === 'normalize') {
      const norm = graph.node('Max', [
        graph.node('ReduceL2', [x, graph.int64([-1])], { keepdims: 1 }),
        graph.float(NORM_FLOOR),
      ]);
      return graph.node('Div', [x, norm]);
    }
    const name = denseName(module, i);
    const projected = graph.node('MatMul', [
      x,
      graph.node('Transpose', [weights.value(graph, `${name}.weight`)], { perm: [1, 0] }),
    ]);
    return activation(module.activation).graph(
      graph,
      module.bias === 'present' ? graph.node('Add', [projected, weights.value(graph, `${name}.bias`)]) : projected,
    );
  }, pooled);
}

function keptGraph(graph: OnnxGraph, length: string, promptTokens: string): string {
  const positions = graph.node('Range', [graph.int64([0], []), length, graph.int64([1], [])]);
  const kept = graph.node('GreaterOrEqual', [
    graph.node('Unsqueeze', [positions, graph.int64([0])]),
    graph.node('Unsqueeze', [promptTokens, graph.int64([1])]),
  ]);
  return graph.node('Unsqueeze', [graph.node('Cast', [kept], { to: 1 }), graph.int64([2])]);
}

/** The vector of one text in float64. @param promptTokens tokens at the head that are left out. */
export async function poolReference(
  hidden: Float64Array,
  tokens: number,
  dimension: number,
  pooler: Pooler,
  promptTokens: number,
  weights: WeightReader,
): Promise<Float64Array> {
  const first = pooler.promptPooling === 'excluded' ? Math.min(promptTokens, tokens) : 0;
  let x: Float64Array = Float64Array.from(
    pooler.pooling.flatMap((kind) => [...POOLING_KINDS[kind].reference(hidden, tokens, dimension, first)]),
  );
  for (const [i, module] of pooler.afterPooling.entries()) {
    if (module.kind === 'normalize') {
      const length = Math.max(NORM_FLOOR, norm(x));
      x = x.map((value) => value / length);
    } else {
      const name = denseName(module, i);
      const bias =
        module.bias === 'present' ? await weights.tensor(`${name}.bias`) : new Float32Array(module.outFeatures);
      x = activation(module.activation).reference(await linear(x, 1, weights.slices(`${name}.weight`), bias));
    }
  }
  return x;
}
