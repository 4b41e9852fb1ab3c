/** Linear maps from one space to another, learnt from texts that have vectors in both. */
export { align, type Alignment, type AlignmentPairs } from './alignment/alignment.js';
export type { Matrix } from './alignment/matrix.js';
export { procrustes, type Procrustes } from './alignment/procrustes.js';
export { ridge } from './alignment/ridge.js';
export { RankDeficientError } from './errors.js';
