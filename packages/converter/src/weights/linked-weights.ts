import { ELEMENT_BYTES, elementCount, type ElementType } from '@kimera/safetensors';
import type { TensorLocation } from '@kimera/tensor-file';
import type { WeightGroup, WeightPlan } from '../model/weight-plan.js';
import type { OnnxGraph, OnnxType } from '@kimera/onnx-file';
import type { GraphWeights, RowRange } from './graph-weights.js';

/** Types that a graph reads as they are, the others are copied. */
const LINKED_TYPES: Readonly<Partial<Record<ElementType, OnnxType>>> = {
  F32: 'float',
  F16: 'float16',
  BF16: 'bfloat16',
};

export interface LinkedTensor {
  /** Of the linked file, relative to the graph. */
  readonly file: string;
  readonly location: TensorLocation;
}

export function canBeLinked({ type }: TensorLocation): boolean {
  return LINKED_TYPES[type] !== undefined;
}

/** Weights that lie in files of the checkpoint, as they are; those that cannot be read there come from `copied`. */
export class LinkedWeights implements GraphWeights {
  readonly #groups: ReadonlyMap<string, WeightGroup>;

  /** @param linked by the name of the weight's plan. A group is linked or copied as a whole. */
  constructor(
    groups: readonly WeightGroup[],
    private readonly linked: ReadonlyMap<string, LinkedTensor>,
    private readonly copied: GraphWeights,
  ) {
    this.#groups = new Map(groups.map((group) => [group.name, group]));
  }

  value(graph: OnnxGraph, name: string, range?: RowRange): string {
    const parts = this.#linkedParts(name);
    if (parts === undefined) return this.copied.value(graph, name, range);
    if (range === undefined) {
      const values = parts.map(({ plan, tensor }) => this.#float(graph, tensor, plan.name, plan.shape, 0));
      return values.length === 1 ? (values[0] as string) : graph.node('Concat', values, { axis: 0 });
    }
    let start = 0;
    for (const { plan, tensor } of parts) {
      const [rows = 0, ...inner] = plan.shape;
      if (range.from >= start && range.from + range.rows <= start + rows) {
        return this.#float(
          graph,
          tensor,
          range.rows === rows ? plan.name : `${plan.name}.${range.from}`,
          [range.rows, ...inner],
          (range.from - start) * elementCount(inner),
        );
      }
      start += rows;
    }
    throw new Error(`rows ${range.from} to ${range.from + range.rows} of ${name} lie in more than one tensor`);
  }

  gather(graph: OnnxGraph, name: string, ids: string): string {
    const [part] = this.#linkedParts(name) ?? [];
    if (part === undefined) return this.copied.gather(graph, name, ids);
    const { plan, tensor } = part;
    return decoded(
      graph,
      graph.node('Gather', [external(graph, tensor, plan.name, plan.shape, 0), ids], { axis: 0 }),
      tensor,
    );
  }

  #linkedParts(name: string): readonly { readonly plan: WeightPlan; readonly tensor: LinkedTensor }[] | undefined {
    const parts = this.#groups.get(name)?.weights.flatMap((plan) => {
      const tensor = this.linked.get(plan.name);
      return tensor === undefined ? [] : [{ plan, tensor }];
    });
    return parts === undefined || parts.length === 0 ? undefined : parts;
  }

  #float(graph: OnnxGraph, tensor: LinkedTensor, name: string, shape: readonly number[], from: number): string {
    return decoded(graph, external(graph, tensor, name, shape, from), tensor);
  }
}

function external(
  graph: OnnxGraph,
  { file, location: { type, offset } }: LinkedTensor,
  name: string,
  shape: readonly number[],
  from: number,
): string {
  const width = ELEMENT_BYTES[type];
  return graph.external(name, LINKED_TYPES[type] ?? 'float', shape, {
    location: file,
    offset: offset + from * width,
    length: elementCount(shape) * width,
  });
}

function decoded(graph: OnnxGraph, value: string, { location: { type } }: LinkedTensor): string {
  return type === 'F32' ? value : graph.node('Cast', [value], { to: 1 });
}
