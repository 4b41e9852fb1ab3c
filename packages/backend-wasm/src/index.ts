export { Int8SaturationError } from '@kimera/core';
export { InferenceError, ModelLoadError } from '@kimera/fast-graph';
export { WasmMemoryError, WasmTextLengthError } from './errors.js';
export { openWasmBackend, WasmBackend, type WasmBackendOptions } from './node/wasm-backend.js';
