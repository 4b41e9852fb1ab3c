export { decodeFloats, decodeNumbers, FLOAT_TYPES } from './decode.js';
export { ELEMENT_BYTES, isElementType, type ElementType } from './element-type.js';
export { fromBfloat16, fromHalf, toHalf } from './half.js';
export { headerBytes, parseHeader, PREFIX_BYTES, type Header, type HeaderEntry, type Refuse } from './header.js';
export { readSafetensors } from './read-safetensors.js';
export { elementCount, tensorBytes, type Tensor, type TensorEntry } from './tensor.js';
export { encodeHeader, writeSafetensors } from './write-safetensors.js';
