// What pages import.
export { InferenceError, Int8SaturationError, ModelLoadError } from '@kimera/fast-graph';
export { WasmMemoryError } from './errors/wasm-memory-error.js';
export { WasmTextLengthError } from './errors/wasm-text-length-error.js';
export { openBrowserModel, type BrowserModel, type BrowserModelOptions } from './open-browser-model.js';
