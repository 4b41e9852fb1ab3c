export { DEFAULT_BATCH_TOKENS, DEFAULT_QUEUE_TOKENS, Embedder, type EmbedderParts, type EncodeTokensOptions, type ModelTest } from './embedder.js';
export { QueueFullError } from './errors/queue-full-error.js';
export { openEmbedder, type OpenEmbedderOptions } from './open-embedder.js';
export type { PerformanceStats } from './statistics.js';
