import { VARIANT_CHOICES } from '@kimera/core';
import { Option } from 'commander';

export const BACKENDS = ['onnx', 'wasm'] as const;
export type BackendName = (typeof BACKENDS)[number];

export function backendOption(): Option {
  return new Option(
    '--backend <name>',
    'native ONNX Runtime or WebAssembly (default: native, or WebAssembly where that does not work)',
  ).choices(BACKENDS);
}

export function variantOption(): Option {
  return new Option(
    '--variant <name>',
    'precision: fast (8 bits where they are near enough and exact here), full, or one by name (default: $KIMERA_VARIANT, or fast)',
  ).choices(VARIANT_CHOICES);
}
