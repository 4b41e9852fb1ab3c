// What browsers can import: all but reading from a disk.
export * from './check-space-file.js';
export * from './errors/invalid-space-file-error.js';
export * from './errors/model-file-hash-error.js';
export * from './errors/model-file-missing-error.js';
export * from './errors/model-file-size-error.js';
export * from './errors/model-folder-not-found-error.js';
export * from './errors/unknown-variant-error.js';
export * from './fetch-model-folder.js';
export * from './model-folder.js';
export * from './parse-space-file.js';
export * from './probe.js';
export * from './recorded-hash.js';
export * from './space-file.js';
