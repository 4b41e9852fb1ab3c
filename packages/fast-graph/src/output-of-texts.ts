import { lexicalWeights, textIds, type TokenBatch } from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder/pure';
import type { RunResponse } from './run-request.js';

/** The heads of B texts, filled in run by run. */
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

  /** The texts of a run, in its order. */
  set(batch: TokenBatch, texts: readonly number[], { dense, sparse, colbert }: RunResponse): void {
    // A run of all texts in their order has the vectors in theirs.
    const isWhole = texts.length === this.#texts && texts.every((text, i) => text === i);
    if (dense !== undefined && isWhole) this.#dense = dense;
    const tokens = texts.reduce((sum, text) => sum + textIds(batch, text).length, 0);
    /** Rows from the first on: `all` has `of` of them. */
    const rows = (all: Float32Array, first: number, count: number, of: number): Float32Array =>
      all.subarray((first * all.length) / of, ((first + count) * all.length) / of);
    let before = 0;
    texts.forEach((text, row) => {
      const ids = textIds(batch, text);
      if (dense !== undefined && !isWhole) this.dense.set(rows(dense, row, 1, texts.length), text * this.#dimension);
      if (sparse !== undefined)
        this.sparse[text] = lexicalWeights(ids, rows(sparse, before, ids.length, tokens), this.#ignored);
      // The first token of a text has none.
      if (colbert !== undefined)
        this.colbert[text] =
          tokens === texts.length
            ? colbert.subarray(0, 0)
            : rows(colbert, before - row, ids.length - 1, tokens - texts.length);
      before += ids.length;
    });
  }
}
