import type { ModelFolder } from '@kimera/model-folder';
import { fidelityOf, runTexts, type HeadOutputs } from '../fidelity/fidelity.js';
import type { OpenBackend } from '../fidelity/fidelity.js';
import { fastGraph } from '../graphs/fast-graph.js';
import { floatKernel, type MatrixKernel } from '../graphs/matrix-kernel.js';
import { OnnxGraph } from '@kimera/onnx-file';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { ReferenceText } from '@kimera/reference-encoder';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { WeightFile } from '../weights/weight-file.js';
import { int8Kernel } from './int8-kernel.js';
import { withGraph } from './with-graph.js';
import { isQuantized } from './write-int8.js';

/** What a matrix costs where it alone has 8 bits: cosines of the dense vectors. */
export interface MatrixCost {
  readonly matrix: string;
  readonly meanCosine: number;
  readonly minCosine: number;
}

/**
 * The matrices, the costliest first: one model after the other in which a single matrix has 8 bits, so it loads as many
 * models as there are matrices.
 */
export async function rankMatrices(
  model: CheckpointModel,
  parts: {
    readonly folder: ModelFolder;
    readonly base: GraphWeights;
    readonly int8: WeightFile;
    readonly openBackend: OpenBackend;
    readonly texts: readonly ReferenceText[];
    readonly expected: readonly HeadOutputs[];
  },
): Promise<readonly MatrixCost[]> {
  const { folder, base, int8, openBackend, texts, expected } = parts;
  const costs: MatrixCost[] = [];
  for (const { name } of model.groups.filter(isQuantized)) {
    const graph = new OnnxGraph();
    const kernel = oneQuantized(
      name,
      floatKernel(base, model.shape.hiddenSize),
      int8Kernel(int8, int8, model.shape, 'unsigned'),
    );
    fastGraph(graph, base, kernel, model.shape, model.checkpoint.modules, model.checkpoint.heads);
    const { meanCosine, minCosine } = fidelityOf(
      await withGraph(folder, graph, openBackend, (backend) => runTexts(backend, texts)),
      expected,
      7,
    );
    costs.push({ matrix: name, meanCosine, minCosine });
  }
  return costs.sort((a, b) => a.meanCosine - b.meanCosine);
}

function oneQuantized(name: string, plain: MatrixKernel, quantized: MatrixKernel): MatrixKernel {
  return {
    multiply: (graph, x, weight) => (weight === name ? quantized : plain).multiply(graph, x, weight),
    project: (graph, x, layer) =>
      (`${layer}.attention.qkv.weight` === name ? quantized : plain).project(graph, x, layer),
  };
}
