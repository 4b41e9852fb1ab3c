/**
 * Execution providers that onnxruntime-node 1.30 has on some platform: cuda, tensorrt (Linux x64 and Windows, their
 * libraries installed apart), webgpu,
 * coreml (macOS), dml (DirectML, Windows). docs/execution-providers.md says how to get them.
 */
export const EXECUTION_PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'coreml', 'dml'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

/** Name of the native backend on a provider: `onnx`, `onnx-cuda`. */
export function nativeBackendName(provider: ExecutionProvider): string {
  return provider === 'cpu' ? 'onnx' : `onnx-${provider}`;
}
