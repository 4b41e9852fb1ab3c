import { tokenBatch, type Tokenizer, tokenLimit } from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder';
import type { OpenBackend } from '../fidelity/fidelity.js';
import { encoderGraph } from '../graphs/fast-graph.js';
import { floatKernel, type MatrixKernel } from '../graphs/matrix-kernel.js';
import { OnnxGraph } from '@kimera/onnx-file';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { GraphWeights } from '../weights/graph-weights.js';
import { blockWidths, COVARIANCE_BLOCK, type InputStatistics, LEAST_TOKENS } from './input-statistics.js';
import { withGraph } from './with-graph.js';

export interface Calibration {
  /** The base variant as it was written: its folder and its weights. */
  readonly folder: ModelFolder;
  readonly weights: GraphWeights;
  readonly openBackend: OpenBackend;
  readonly tokenizer: Tokenizer;
  readonly texts: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** The inputs of each of the encoder's matrices over the tokens of the texts, by the name of the weight. */
export async function calibrate(
  model: CheckpointModel,
  { folder, weights, openBackend, tokenizer, texts, signal }: Calibration,
): Promise<ReadonlyMap<string, InputStatistics>> {
  const { graph, tapped } = calibrationGraph(model, weights);
  const widths = tapped.map((name) => inputsOf(model, name));
  const sums = widths.map(noTokens);
  // The backend takes it for a model whose dense vector holds the statistics of a text.
  const measured: ModelFolder = {
    ...folder,
    space: { ...folder.space, heads: ['dense'], dimension: sums.reduce((sum, tap) => sum + numbersOf(tap), 0) },
  };
  let tokens = 0;
  await withGraph(measured, graph, openBackend, async (backend) => {
    for (const text of texts) {
      signal?.throwIfAborted();
      const { ids } = tokenizer.encode(text, tokenLimit(folder.space));
      const { dense = new Float32Array() } = await backend.run(tokenBatch([ids]), { heads: ['dense'] });
      let at = 0;
      for (const tap of sums) at = addText(tap, dense, at);
      tokens += ids.length;
    }
  });
  return new Map(tapped.map((name, i) => [name, statisticsOf(sums[i] as Sums, tokens)]));
}

/** What is added up over the texts. */
interface Sums {
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** Σ x, [in]. */
  readonly sum: Float64Array;
  /** Σ x·xᵀ, [n, n] for each block. */
  readonly products: readonly Float64Array[];
}

function noTokens(inputs: number): Sums {
  return {
    low: new Float32Array(inputs).fill(Infinity),
    high: new Float32Array(inputs).fill(-Infinity),
    sum: new Float64Array(inputs),
    products: blockWidths(inputs).map((width) => new Float64Array(width * width)),
  };
}

function numbersOf({ low, high, sum, products }: Sums): number {
  return products.reduce((all, block) => all + block.length, low.length + high.length + sum.length);
}

/** Adds those of a text, which are in `numbers` from `from` on. @returns where they end. */
function addText({ low, high, sum, products }: Sums, numbers: Float32Array, from: number): number {
  let at = from;
  for (let i = 0; i < low.length; i++) low[i] = Math.min(low[i] as number, numbers[at++] as number);
  for (let i = 0; i < high.length; i++) high[i] = Math.max(high[i] as number, numbers[at++] as number);
  for (const added of [sum, ...products])
    for (let i = 0; i < added.length; i++) added[i] = (added[i] as number) + (numbers[at++] as number);
  return at;
}

function statisticsOf({ low, high, sum, products }: Sums, tokens: number): InputStatistics {
  const mean = sum.map((value) => value / tokens);
  const covariances = (tokens < LEAST_TOKENS ? [] : products).map((block, b) => {
    const ofBlock = mean.subarray(b * COVARIANCE_BLOCK, (b + 1) * COVARIANCE_BLOCK);
    const size = ofBlock.length;
    return block.map(
      (value, at) => value / tokens - (ofBlock[Math.floor(at / size)] as number) * (ofBlock[at % size] as number),
    );
  });
  return { low, high, mean, covariances };
}

function inputsOf({ shape }: CheckpointModel, weight: string): number {
  return weight.endsWith('.down.weight') ? shape.intermediateSize : shape.hiddenSize;
}

/** The encoder with one output, dense [1, numbers of all taps]: tap after tap as `addText` reads them. */
function calibrationGraph(
  model: CheckpointModel,
  weights: GraphWeights,
): { readonly graph: OnnxGraph; readonly tapped: readonly string[] } {
  const graph = new OnnxGraph();
  const tapped: string[] = [];
  const outputs: string[] = [];
  const tap = (name: string, x: string): void => {
    const inputs = inputsOf(model, name);
    tapped.push(name);
    for (const operator of ['ReduceMin', 'ReduceMax', 'ReduceSum'])
      outputs.push(graph.node(operator, [x, graph.int64([0])], { keepdims: 1 }));
    for (const [block, width] of blockWidths(inputs).entries()) {
      const from = block * COVARIANCE_BLOCK;
      const channels = graph.node('Slice', [x, graph.int64([from]), graph.int64([from + width]), graph.int64([1])]);
      const products = graph.node('MatMul', [graph.node('Transpose', [channels], { perm: [1, 0] }), channels]);
      outputs.push(graph.node('Reshape', [products, graph.int64([1, width * width])]));
    }
  };
  const plain = floatKernel(weights, model.shape.hiddenSize);
  const kernel: MatrixKernel = {
    project(into, x, layer) {
      tap(`${layer}.attention.qkv.weight`, x);
      return plain.project(into, x, layer);
    },
    multiply(into, x, weight) {
      tap(weight, x);
      return plain.multiply(into, x, weight);
    },
  };
  encoderGraph(graph, weights, kernel, model.shape);
  graph.output(graph.node('Concat', outputs, { axis: 1 }), 'dense', 'float', ['batch', 'channels']);
  return { graph, tapped };
}
