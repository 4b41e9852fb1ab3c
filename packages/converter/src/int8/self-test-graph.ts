import { OnnxGraph, OPSET } from '@kimera/onnx-file';
import { integerProduct, type WeightSign } from './int8-kernel.js';

const INPUTS = 64;
const OUTPUTS = 16;

/**
 * A product that saturates on processors whose u8·s8 instruction (VPMADDUBSW) adds two products in 16 bits: input a [1,
 * 64] uint8, to be filled with 255; output holds, a bool, whether every number of the product is 64 · (255 - 128) ·
 * 127. With unsigned weights it holds everywhere.
 */
export function selfTestGraph(sign: WeightSign = 'signed'): Uint8Array {
  const graph = new OnnxGraph();
  const a = graph.input('a', 'uint8', [1, INPUTS]);
  const weights = graph.int8(new Int8Array(INPUTS * OUTPUTS).fill(127), [INPUTS, OUTPUTS]);
  const product = integerProduct(graph, {
    levels: a,
    weights,
    step: graph.float(1),
    scales: graph.float(1),
    zero: graph.uint8(128),
    sign,
  });
  const wrong = graph.node(
    'ReduceMax',
    [graph.node('Abs', [graph.node('Sub', [product, graph.float(INPUTS * 127 * 127)])]), graph.int64([0, 1])],
    { keepdims: 0 },
  );
  graph.output(graph.node('Equal', [wrong, graph.float(0)]), 'holds', 'bool', []);
  return graph.serialize('int8-self-test', OPSET);
}
