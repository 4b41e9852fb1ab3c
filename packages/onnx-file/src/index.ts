export { InvalidOnnxError, UnsafeExternalDataError } from './errors.js';
export { inspectOnnx } from './inspect-onnx.js';
export type { InspectedPort, InspectedTensor, OnnxInspection } from './inspection.js';
export { ONNX_TYPES, OnnxGraph, OPSET, type Attribute, type ExternalData, type OnnxType } from './onnx-graph.js';
export { type ExternalPlace, moveExternalData } from './move-external-data.js';
