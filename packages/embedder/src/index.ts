export { openEmbedder, type FolderBackend, type OpenEmbedderOptions } from './open-embedder.js';
export * from './pure.js';
