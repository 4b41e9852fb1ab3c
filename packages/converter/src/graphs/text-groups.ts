import type { OnnxGraph } from '@kimera/onnx-file';

/**
 * The tokens of a run: B texts back to back, N tokens in all, in G groups of texts of equal length. Products and norms
 * take all tokens at once; attention and pooling take group by group, without a mask and without padding.
 */
export interface TextGroups {
  /** Input [N]. */
  readonly ids: string;
  /** Input [N]: place of each token in its text, from 0. */
  readonly places: string;
  /** T of the longest texts, a scalar. */
  readonly longest: string;
  /** [N, D] of all tokens → what `compute` makes of the [texts, T, D] of each group, one behind the other on axis 0. */
  each(values: readonly string[], compute: (parts: readonly string[], group: TextGroup) => string): string;
}

export interface TextGroup {
  /** T, a scalar. */
  readonly length: string;
  /** [B] → those of the group's texts. */
  readonly ofTexts: (values: string) => string;
  /** Of an [.., T, T] for the longest texts, the group's part. */
  readonly square: (values: string) => string;
}

/** Adds the inputs input_ids [N], token_places [N] and groups [G, 2], texts and T of each group; all int64. */
export function textGroups(graph: OnnxGraph): TextGroups {
  const ids = graph.input('input_ids', 'int64', ['tokens']);
  const places = graph.input('token_places', 'int64', ['tokens']);
  const groups = graph.input('groups', 'int64', ['groups', 2]);
  const [zero, one] = [graph.int64([0]), graph.int64([1])];
  const scalar = (value: string): string => graph.node('Squeeze', [value, zero]);
  const column = (index: number): string => graph.node('Gather', [groups, graph.int64([index], [])], { axis: 1 });
  const [texts, lengths] = [column(0), column(1)];
  const count = scalar(graph.node('Shape', [texts]));
  const isOne = graph.node('Equal', [count, graph.int64([1], [])]);
  const longest = graph.node('ReduceMax', [lengths, zero], { keepdims: 0 });
  /** [G, 1] each: where a group's values begin and end. */
  const bounds = (sizes: string): readonly [string, string] => {
    const ends = graph.node('CumSum', [sizes, graph.int64([0], [])]);
    return [graph.node('Sub', [ends, sizes]), ends].map((x) => graph.node('Unsqueeze', [x, one])) as [string, string];
  };
  const [firstToken, lastToken] = bounds(graph.node('Mul', [texts, lengths]));
  const [firstText, lastText] = bounds(texts);
  // [G, 3]: -1 is whatever is left.
  const rest = graph.node('Sub', [graph.node('Mul', [graph.node('Unsqueeze', [texts, one]), zero]), graph.int64([1])]);
  const shapes = graph.node('Concat', [groups, rest], { axis: 1 });
  const at = (values: string, index: string): string => graph.node('Gather', [values, index], { axis: 0 });
  return {
    ids,
    places,
    longest,
    each(values, compute) {
      const shaped = (parts: readonly string[], index: string): readonly string[] => {
        const shape = at(shapes, index);
        return parts.map((part) => graph.node('Reshape', [part, shape]));
      };
      return graph.conditional(
        isOne,
        () =>
          compute(shaped(values, graph.int64([0], [])), {
            length: longest,
            ofTexts: (all) => all,
            square: (all) => all,
          }),
        () =>
          graph.concatenated(count, (index) => {
            const part = (all: string, first: string, last: string): string =>
              graph.node('Slice', [all, at(first, index), at(last, index), zero]);
            const length = at(lengths, index);
            return compute(
              shaped(
                values.map((all) => part(all, firstToken, lastToken)),
                index,
              ),
              {
                length,
                ofTexts: (all) => part(all, firstText, lastText),
                square: (all) => {
                  const ends = graph.node('Expand', [length, graph.int64([2])]);
                  return graph.node('Slice', [all, graph.int64([0, 0]), ends, graph.int64([-2, -1])]);
                },
              },
            );
          }),
      );
    },
  };
}
