import type { EncoderShape } from '@kimera/reference-encoder';
import { FEED_FORWARD_GRAPHS } from './activation-graph.js';
import type { OnnxGraph } from '@kimera/onnx-file';
import type { GraphWeights } from '../weights/graph-weights.js';
import { embeddingsGraph, lengthGraph, matrixGraph, normGraph, positionsGraph } from './embeddings-graph.js';
import { relativeBiasGraph } from './relative-bias-graph.js';

/**
 * Standard operators: input_ids, attention_mask[, token_type_ids where there are several] [B, T] → last_hidden_state
 * [B, T, D].
 */
export function portableGraph(graph: OnnxGraph, weights: GraphWeights, shape: EncoderShape): void {
  const { hiddenSize: d, attentionHeads: heads } = shape;
  const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'sequence']);
  const types = typesGraph(graph, weights, shape);
  const length = lengthGraph(graph, ids);
  let hidden = embeddingsGraph(
    graph,
    weights,
    shape,
    ids,
    () => positionsGraph(graph, weights, shape, ids, length),
    types,
  );
  const open = graph.node('Unsqueeze', [graph.node('Cast', [mask], { to: 1 }), graph.int64([1, 2])]);
  const penalty = graph.node('Mul', [graph.node('Sub', [graph.float(1), open]), graph.float(-3.4028234663852886e38)]);
  const bias =
    shape.relativeBiasRows === 0 ? penalty : graph.node('Add', [relativeBiasGraph(graph, weights, length), penalty]);
  for (let layer = 0; layer < shape.layers; layer++) {
    const name = `layers.${layer}`;
    const part = (index: number): string => {
      const range = { from: index * d, rows: d };
      const projected = graph.node('Add', [
        matrixGraph(graph, hidden, weights.value(graph, `${name}.attention.qkv.weight`, range)),
        weights.value(graph, `${name}.attention.qkv.bias`, range),
      ]);
      return graph.node('Transpose', [graph.node('Reshape', [projected, graph.int64([0, 0, heads, d / heads])])], {
        perm: [0, 2, 1, 3],
      });
    };
    const keys = graph.node('Transpose', [part(1)], { perm: [0, 1, 3, 2] });
    const scores = graph.node('Div', [graph.node('MatMul', [part(0), keys]), graph.float(Math.sqrt(d / heads))]);
    const shares = graph.node('Softmax', [graph.node('Add', [scores, bias])], { axis: -1 });
    const mixed = graph.node('Transpose', [graph.node('MatMul', [shares, part(2)])], { perm: [0, 2, 1, 3] });
    const joined = graph.node('Reshape', [mixed, graph.int64([0, 0, d])]);
    const dense = (x: string, weight: string): string =>
      graph.node('Add', [
        matrixGraph(graph, x, weights.value(graph, `${weight}.weight`)),
        weights.value(graph, `${weight}.bias`),
      ]);
    const attended = normGraph(
      graph,
      weights,
      `${name}.attention.norm`,
      graph.node('Add', [dense(joined, `${name}.attention.output`), hidden]),
      shape,
    );
    const active = FEED_FORWARD_GRAPHS[shape.activation](graph, dense(attended, `${name}.up`));
    hidden = normGraph(
      graph,
      weights,
      `${name}.norm`,
      graph.node('Add', [dense(active, `${name}.down`), attended]),
      shape,
    );
  }
  graph.output(hidden, 'last_hidden_state', 'float', ['batch', 'sequence', d]);
}

function typesGraph(graph: OnnxGraph, weights: GraphWeights, { typeVocabularySize }: EncoderShape): string | undefined {
  if (typeVocabularySize === 0) return undefined;
  if (typeVocabularySize === 1) return weights.value(graph, 'embeddings.type');
  return graph.node(
    'Gather',
    [weights.value(graph, 'embeddings.type'), graph.input('token_type_ids', 'int64', ['batch', 'sequence'])],
    { axis: 0 },
  );
}
