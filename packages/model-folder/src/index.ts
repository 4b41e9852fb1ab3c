export * from './open-model-folder.js';
export * from './pure.js';
