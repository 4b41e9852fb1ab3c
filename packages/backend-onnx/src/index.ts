export { InferenceError, Int8SaturationError, ModelLoadError } from '@kimera/fast-graph';
export { OnnxBackend, openOnnxBackend, type OnnxBackendOptions } from './onnx-backend.js';
