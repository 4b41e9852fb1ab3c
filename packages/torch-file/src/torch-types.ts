import type { ElementType } from '@kimera/safetensors';

/** Storage classes of module `torch` (torch 2.15, torch/storage.py). */
export const STORAGE_TYPES: Readonly<Partial<Record<string, ElementType>>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** dtype objects of module `torch`, as _rebuild_tensor_v3 gets them. */
export const DTYPES: Readonly<Partial<Record<string, ElementType>>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
};

/** Functions and classes that a pickle of tensors may name. Everything else is refused. */
const OTHERS = [
  'collections.OrderedDict',
  '_codecs.encode',
  '__builtin__.set',
  'builtins.set',
  'torch.Size',
  'torch.storage.UntypedStorage',
  'torch._utils._rebuild_tensor',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_tensor_v3',
  'torch._utils._rebuild_parameter',
];
export const ALLOWED_GLOBALS: ReadonlySet<string> = new Set([
  ...OTHERS,
  ...Object.keys(STORAGE_TYPES).map((name) => `torch.${name}`),
  ...Object.keys(DTYPES).map((name) => `torch.${name}`),
]);
