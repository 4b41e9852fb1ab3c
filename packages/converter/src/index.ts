export { openCheckpoint, type Checkpoint } from './checkpoint/checkpoint.js';
export { openSafetensors } from './checkpoint/safetensors.js';
export type { TensorSource } from './checkpoint/tensor-source.js';
export { convertCheckpoint, type ConvertOptions, type OpenBackend } from './convert-checkpoint.js';
export * from './errors/checkpoint-errors.js';
export { verifyModel, type VerificationRow, type VerifyOptions } from './verify-model.js';
export type { WeightForm } from './weights/weight-form.js';
