/** The thread of the embedded database, as built. */
export const PGLITE_WORKER = new URL('../dist/pglite-worker.js', import.meta.url);
