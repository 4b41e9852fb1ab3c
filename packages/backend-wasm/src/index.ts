export { InferenceError, Int8SaturationError, ModelLoadError } from '@kimera/fast-graph';
export { WasmMemoryError } from './errors/wasm-memory-error.js';
export { WasmTextLengthError } from './errors/wasm-text-length-error.js';
export { openWasmBackend, WasmBackend, type WasmBackendOptions } from './wasm-backend.js';
