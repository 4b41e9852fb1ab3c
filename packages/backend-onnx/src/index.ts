export { InferenceError } from './inference-error.js';
export { ModelLoadError } from './model-load-error.js';
export { OnnxBackend, openOnnxBackend, type OnnxBackendOptions } from './onnx-backend.js';
export * from './int8-saturation-error.js';
