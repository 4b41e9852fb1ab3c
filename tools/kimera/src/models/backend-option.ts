import { Option } from 'commander';

export const BACKENDS = ['onnx', 'wasm'] as const;
export type BackendName = (typeof BACKENDS)[number];

export function backendOption(): Option {
  return new Option(
    '--backend <name>',
    'native ONNX Runtime or WebAssembly (default: native, or WebAssembly where that does not work)',
  ).choices(BACKENDS);
}
