// What pages import.
export { Int8SaturationError } from '@kimera/core';
export { InferenceError, ModelLoadError } from '@kimera/fast-graph';
export { WasmMemoryError, WasmTextLengthError } from './errors.js';
export { type BrowserModel, type BrowserModelOptions, openBrowserModel } from './open-browser-model.js';
