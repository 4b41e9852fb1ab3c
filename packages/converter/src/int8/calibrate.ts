import { tokenBatch, type Tokenizer, tokenLimit } from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder';
import type { OpenBackend } from '../fidelity/fidelity.js';
import { encoderGraph } from '../graphs/fast-graph.js';
import { floatKernel, type MatrixKernel } from '../graphs/matrix-kernel.js';
import { OnnxGraph } from '@kimera/onnx-file';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { GraphWeights } from '../weights/graph-weights.js';
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

/** Largest magnitude of each channel of the inputs of the encoder's matrices over the texts: weight → [in]. */
export async function calibrate(
  model: CheckpointModel,
  { folder, weights, openBackend, tokenizer, texts, signal }: Calibration,
): Promise<ReadonlyMap<string, Float32Array>> {
  const { graph, tapped } = calibrationGraph(model, weights);
  const widths = tapped.map((name) => inputsOf(model, name));
  const channels = widths.reduce((sum, width) => sum + width, 0);
  // The backend takes it for a model whose dense vector holds the maxima of a text.
  const measured: ModelFolder = {
    ...folder,
    space: { ...folder.space, heads: ['dense'], dimension: channels },
  };
  const maxima = new Float32Array(channels);
  await withGraph(measured, graph, openBackend, async (backend) => {
    for (const text of texts) {
      signal?.throwIfAborted();
      const { ids } = tokenizer.encode(text, tokenLimit(folder.space));
      const { dense = new Float32Array() } = await backend.run(tokenBatch([ids]), { heads: ['dense'] });
      dense.forEach((value, i) => (maxima[i] = Math.max(maxima[i] as number, value)));
    }
  });
  let end = 0;
  return new Map(
    tapped.map((name, i) => {
      const start = end;
      end += widths[i] as number;
      return [name, maxima.slice(start, end)];
    }),
  );
}

function inputsOf({ shape }: CheckpointModel, weight: string): number {
  return weight.endsWith('.down.weight') ? shape.intermediateSize : shape.hiddenSize;
}

/** The encoder with one output, dense [1, channels of all taps]: max|x| over the tokens of the text, tap after tap. */
function calibrationGraph(
  model: CheckpointModel,
  weights: GraphWeights,
): { readonly graph: OnnxGraph; readonly tapped: readonly string[] } {
  const graph = new OnnxGraph();
  const tapped: string[] = [];
  const outputs: string[] = [];
  const tap = (name: string, x: string): void => {
    tapped.push(name);
    outputs.push(graph.node('ReduceMax', [graph.node('Abs', [x]), graph.int64([0])], { keepdims: 1 }));
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
