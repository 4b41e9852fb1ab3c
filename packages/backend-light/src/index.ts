export { folderFiles } from './folder/folder-files.js';
export { staticModelFiles, type StaticModelSource } from './folder/static-model-files.js';
export { isStaticFolder } from './is-static-folder.js';
export { openStaticBackend } from './open-static-backend.js';
export { openStaticModel, type OpenStaticModelOptions } from './open-static-model.js';
export * from './pure.js';
