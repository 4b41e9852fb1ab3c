import { join } from 'node:path';
import { norm } from '@kimera/core';
import { UnsupportedModelError } from '../errors/checkpoint-errors.js';
import { ifPresent } from '../checkpoint/json-file.js';
import type { TensorSource } from '../checkpoint/tensor-source.js';
import { NORM_FLOOR } from '../architectures/pooling.js';
import { aloneGroup, type WeightGroup } from '../encoder/weight-plan.js';
import { fusedMatrixGraph } from '../encoder/embeddings-graph.js';
import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { linear, type WeightSlices } from '../reference/linear.js';
import { openTorch } from '../torch/open-torch.js';
import type { GraphWeights } from '../weights/graph-weights.js';

/** Heads over the hidden state of each token, as FlagEmbedding (1.4.2) saves them beside bge-m3. */
export interface TokenHeads {
  /** relu(w·h + b): a weight a token. Ids whose weights are dropped wherever they stand. */
  readonly sparse?: { readonly ignoredIds: readonly number[] };
  /** W·h + b of every token but the first, divided by its L2 norm. */
  readonly colbert?: { readonly dimension: number };
}

const SPARSE_FILE = 'sparse_linear.pt';
const COLBERT_FILE = 'colbert_linear.pt';
export const HEAD_FILES: readonly string[] = [SPARSE_FILE, COLBERT_FILE];

/** Opens the heads that lie in the folder; the caller closes the sources. @throws the errors of torch files. */
export async function openTokenHeads(
  folder: string,
  hiddenSize: number,
  ignoredIds: () => Promise<readonly number[]>,
  sources: Map<string, TensorSource>,
): Promise<TokenHeads> {
  for (const file of HEAD_FILES) {
    const source = await ifPresent(() => openTorch(join(folder, file)));
    if (source !== undefined) sources.set(file, source);
  }
  const rows = sources.get(COLBERT_FILE)?.shape('weight')?.[0];
  if (rows !== undefined && (rows < 1 || rows > 16_384))
    throw new UnsupportedModelError('the dimension of the ColBERT head', String(rows), [
      `1 to 16384, usually ${hiddenSize}`,
    ]);
  return {
    ...(sources.has(SPARSE_FILE) ? { sparse: { ignoredIds: await ignoredIds() } } : {}),
    ...(sources.has(COLBERT_FILE) ? { colbert: { dimension: rows ?? hiddenSize } } : {}),
  };
}

export function headWeights({ sparse, colbert }: TokenHeads, hiddenSize: number): readonly WeightGroup[] {
  const head = (name: string, file: string, rows: number): readonly WeightGroup[] => [
    aloneGroup('fp32', { name: `heads.${name}.weight`, sources: [`${file}/weight`], shape: [rows, hiddenSize] }),
    aloneGroup('fp32', { name: `heads.${name}.bias`, sources: [`${file}/bias`], shape: [rows] }),
  ];
  return [
    ...(sparse === undefined ? [] : head('sparse', SPARSE_FILE, 1)),
    ...(colbert === undefined ? [] : head('colbert', COLBERT_FILE, colbert.dimension)),
  ];
}

/** [B, T, D] → [B, T], or [B, 0] where not wanted. */
export function sparseGraph(graph: OnnxGraph, weights: GraphWeights, hidden: string): string {
  const [weight, bias] = [weights.value(graph, 'heads.sparse.weight'), weights.value(graph, 'heads.sparse.bias')];
  const transposed = graph.node('Transpose', [weight], { perm: [1, 0] });
  return graph.conditional(
    graph.input('want_sparse', 'bool', []),
    () =>
      graph.node('Squeeze', [
        graph.node('Relu', [graph.node('Add', [graph.node('MatMul', [hidden, transposed]), bias])]),
        graph.int64([2]),
      ]),
    () =>
      emptyGraph(
        graph,
        graph.node('Squeeze', [
          graph.node('Slice', [hidden, graph.int64([0]), graph.int64([1]), graph.int64([2])]),
          graph.int64([2]),
        ]),
      ),
  );
}

/** [B, T, D] → [B, T - 1, C], or [B, 0, C] where not wanted. */
export function colbertGraph(graph: OnnxGraph, weights: GraphWeights, hidden: string, dimension: number): string {
  const [weight, bias] = [weights.value(graph, 'heads.colbert.weight'), weights.value(graph, 'heads.colbert.bias')];
  const projected = (x: string): string => graph.node('Add', [fusedMatrixGraph(graph, x, weight), bias]);
  return graph.conditional(
    graph.input('want_colbert', 'bool', []),
    () => {
      const rest = graph.node('Slice', [hidden, graph.int64([1]), graph.int64([2 ** 31 - 1]), graph.int64([1])]);
      const vectors = projected(rest);
      const norm = graph.node('Max', [
        graph.node('ReduceL2', [vectors, graph.int64([-1])], { keepdims: 1 }),
        graph.float(NORM_FLOOR),
      ]);
      return graph.node('Div', [vectors, norm]);
    },
    () => {
      const batch = graph.node('Slice', [graph.node('Shape', [hidden]), graph.int64([0]), graph.int64([1])]);
      return graph.node('Expand', [
        graph.float(0),
        graph.node('Concat', [batch, graph.int64([0, dimension])], { axis: 0 }),
      ]);
    },
  );
}

/** [B, T] → [B, 0]. */
function emptyGraph(graph: OnnxGraph, x: string): string {
  return graph.node('Slice', [x, graph.int64([0]), graph.int64([0]), graph.int64([1])]);
}

/** Weights [T] of one text in float64. */
export async function sparseReference(
  hidden: Float64Array,
  tokens: number,
  weight: WeightSlices,
  bias: Float32Array,
): Promise<Float64Array> {
  return (await linear(hidden, tokens, weight, bias)).map((value) => Math.max(0, value));
}

/** Vectors [T - 1, C] of one text in float64. */
export async function colbertReference(
  hidden: Float64Array,
  tokens: number,
  weight: WeightSlices,
  bias: Float32Array,
): Promise<Float64Array> {
  const width = bias.length;
  const vectors = await linear(hidden.subarray(hidden.length / tokens), tokens - 1, weight, bias);
  for (let from = 0; from < vectors.length; from += width) {
    const row = vectors.subarray(from, from + width);
    const length = Math.max(NORM_FLOOR, norm(row));
    row.forEach((value, i) => (row[i] = value / length));
  }
  return vectors;
}
