export { serveWorker, type Served } from './serve-worker.js';
export { WorkerDiedError } from './worker-died-error.js';
export { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';
