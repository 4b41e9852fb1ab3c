/** The worker threads' own entry. It stands here since the path holds from this folder alone, in sources and when built. */
export const WASM_WORKER = new URL('../dist/wasm-worker.js', import.meta.url);
