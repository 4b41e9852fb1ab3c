export { Int8SaturationError } from '@kimera/core';
export { InferenceError, ModelLoadError } from '@kimera/fast-graph';
export { EXECUTION_PROVIDERS, type ExecutionProvider, nativeBackendName } from './graph-options.js';
export { NativeRuntimeError } from './errors.js';
export { type OnnxBackend, type OnnxBackendOptions, openOnnxBackend } from './onnx-backend.js';
export { openMeasuredBackend } from './open-measured-backend.js';
export type { PackedWeightsEvent, PackedWeightsOptions } from './packed/packed-weights.js';
export { type NativeProbe, probeNative } from './probe-native.js';
