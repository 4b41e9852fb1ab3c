import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFolder } from '@kimera/model-folder';
import { fidelityOf, runTexts, type HeadOutputs } from '../convert/fidelity.js';
import type { OpenBackend } from '../convert/open-backend.js';
import { fastGraph } from '../encoder/fast-graph.js';
import { floatKernel, type MatrixKernel } from '../encoder/matrix-kernel.js';
import { OnnxGraph, OPSET } from '../onnx/onnx-graph.js';
import type { ReferenceModel, ReferenceText } from '../reference/reference-model.js';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { WeightFile } from '../weights/weight-file.js';
import { int8Kernel } from './int8-kernel.js';
import { isQuantized } from './write-int8.js';

const GRAPH = 'onnx/one_matrix.onnx';

export interface WorstMatrix {
  readonly matrix: string;
  /** Least cosine of the dense vectors where this matrix alone has 8 bits. */
  readonly alone: number;
}

/** Which matrix costs the most: one model after the other in which a single matrix has 8 bits. Only for explaining a failure: it loads as many models as there are matrices. */
export async function findWorstMatrix(
  model: ReferenceModel,
  parts: { readonly folder: ModelFolder; readonly base: GraphWeights; readonly int8: WeightFile; readonly openBackend: OpenBackend; readonly texts: readonly ReferenceText[]; readonly expected: readonly HeadOutputs[] },
): Promise<WorstMatrix> {
  const { folder, base, int8, openBackend, texts, expected } = parts;
  const [variant] = folder.file.variants;
  const path = join(folder.path, GRAPH);
  let worst: WorstMatrix = { matrix: 'none', alone: 1 };
  try {
    for (const { name } of model.groups.filter(isQuantized)) {
      const graph = new OnnxGraph();
      fastGraph(graph, withBias(base, int8, name.replace(/weight$/, 'bias')), oneQuantized(name, floatKernel(base, model.shape.hiddenSize), int8Kernel(int8)), model.shape, model.checkpoint.modules, model.checkpoint.heads);
      await writeFile(path, graph.serialize('one-matrix', OPSET));
      const mixed: ModelFolder = { ...folder, file: { ...folder.file, variants: variant === undefined ? [] : [{ ...variant, graphs: { fast: GRAPH } }] } };
      const backend = await openBackend(mixed, variant?.name ?? 'fp32');
      try {
        const { minCosine } = fidelityOf(await runTexts(backend, texts), expected, 4);
        if (minCosine < worst.alone) worst = { matrix: name, alone: minCosine };
      } finally {
        await backend.close();
      }
    }
  } finally {
    await rm(path, { force: true });
  }
  return worst;
}

/** The bias of the quantised matrix takes the shift of its input back. */
function withBias(base: GraphWeights, int8: GraphWeights, bias: string): GraphWeights {
  return { value: (graph, name, range) => (name === bias ? int8 : base).value(graph, name, range), gather: (graph, name, ids) => base.gather(graph, name, ids) };
}

function oneQuantized(name: string, plain: MatrixKernel, quantized: MatrixKernel): MatrixKernel {
  return {
    multiply: (graph, x, weight) => (weight === name ? quantized : plain).multiply(graph, x, weight),
    project: (graph, x, layer) => (`${layer}.attention.qkv.weight` === name ? quantized : plain).project(graph, x, layer),
  };
}
