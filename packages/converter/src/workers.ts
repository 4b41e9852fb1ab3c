/** The thread for slow parts of a conversion, as built. */
export const BACKGROUND_WORKER = new URL('../dist/background-worker.js', import.meta.url);
