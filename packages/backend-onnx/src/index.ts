export { InferenceError, Int8SaturationError, ModelLoadError } from '@kimera/fast-graph';
export { EXECUTION_PROVIDERS, nativeBackendName, type ExecutionProvider } from './execution-providers.js';
export { NativeRuntimeError } from './native-runtime-error.js';
export { openOnnxBackend, type OnnxBackend, type OnnxBackendOptions } from './onnx-backend.js';
export { openMeasuredBackend } from './open-measured-backend.js';
export { probeNative, type NativeProbe } from './probe-native.js';
