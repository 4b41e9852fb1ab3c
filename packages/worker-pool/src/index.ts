export { type WorkerReply, serveWorker } from './serve-worker.js';
export { WorkerDiedError } from './errors.js';
export { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';
