import type { BackendOutput } from './ports/inference-backend.js';
import type { Vector } from './vector.js';

/** What a model makes of one text: the heads that were asked for and that it has. */
export interface HeadsOfText {
  /** [D]. */
  readonly dense?: Vector;
  /** Token id → weight > 0. */
  readonly sparse?: ReadonlyMap<number, number>;
  /** [T', C] row-major. */
  readonly colbert?: Float32Array;
}

/** The heads of text `text` of an output of `texts` texts. Numbers are views of the output: nothing is copied. */
export function headsOfText({ dense, sparse, colbert }: BackendOutput, text: number, texts: number): HeadsOfText {
  const [weights, vectors] = [sparse?.[text], colbert?.[text]];
  return {
    ...(dense === undefined
      ? {}
      : { dense: dense.subarray((text * dense.length) / texts, ((text + 1) * dense.length) / texts) }),
    ...(weights === undefined ? {} : { sparse: weights }),
    ...(vectors === undefined ? {} : { colbert: vectors }),
  };
}
