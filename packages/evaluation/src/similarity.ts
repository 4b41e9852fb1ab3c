/** How much two spaces, or two rankings, agree on the same items. */
export { kendall } from './correlation/kendall.js';
export { linearCka } from './similarity/linear-cka.js';
export { nearestNeighbours, neighbourOverlap, type NeighbourOverlap } from './similarity/neighbours.js';
export { rankBiasedOverlap, truncatedRankBiasedOverlap } from './similarity/rank-biased-overlap.js';
