// What pages import.
export { InferenceError, Int8SaturationError, ModelLoadError } from '@kimera/fast-graph';
export { WasmMemoryError, WasmTextLengthError } from './errors.js';
export { type BrowserModel, type BrowserModelOptions, openBrowserModel } from './open-browser-model.js';
