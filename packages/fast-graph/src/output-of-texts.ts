import { lexicalWeights } from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder/pure';
import type { GroupResponse } from './group.js';

/** The heads of B texts, filled in group by group. */
export class OutputOfTexts {
  #dense: Float32Array | undefined;
  readonly sparse: ReadonlyMap<number, number>[];
  readonly colbert: Float32Array[];
  readonly #ignored: readonly number[];
  readonly #texts: number;
  readonly #dimension: number;

  constructor(texts: number, { space, file }: ModelFolder) {
    this.#texts = texts;
    this.#dimension = space.dimension;
    this.sparse = new Array<ReadonlyMap<number, number>>(texts);
    this.colbert = new Array<Float32Array>(texts);
    this.#ignored = file.sparse?.ignoredIds ?? [];
  }

  get dense(): Float32Array {
    return (this.#dense ??= new Float32Array(this.#texts * this.#dimension));
  }

  /** Text `text` is row `row` of a group of `rows`. */
  set(text: number, ids: Int32Array, row: number, rows: number, { dense, sparse, colbert }: GroupResponse): void {
    const part = (values: Float32Array): Float32Array =>
      values.subarray((row * values.length) / rows, ((row + 1) * values.length) / rows);
    // A group of all texts has them in their order.
    if (dense !== undefined && rows === this.#texts) this.#dense = dense;
    else if (dense !== undefined) this.dense.set(part(dense), text * part(dense).length);
    if (sparse !== undefined) this.sparse[text] = lexicalWeights(ids, part(sparse), this.#ignored);
    if (colbert !== undefined) this.colbert[text] = part(colbert);
  }
}
