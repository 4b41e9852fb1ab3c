import { ONNX_ELEMENT_TYPES } from './onnx-element-types.js';
import type { ByteRange, ProtobufReader } from './protobuf-reader.js';

/** Dimensions of one tensor or port; NumPy allows 64. */
export const MAX_DIMENSIONS = 64;

/** A TensorProto without its numbers. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly external?: { readonly location: string; readonly end: number };
}

/** Reads a TensorProto. Field numbers are those of onnx.proto3. @param fail throws the format's error. */
export function readOnnxTensor(reader: ProtobufReader, range: ByteRange, fail: (reason: string) => never): OnnxTensor {
  const shape: number[] = [];
  const external = new Map<string, string>();
  let name = '';
  let type = 0;
  let raw: ByteRange | undefined;
  let isExternal = false;
  let stringBytes = 0;
  for (const field of reader.fields(range)) {
    if (field.number === 1) shape.push(...reader.counts(field, MAX_DIMENSIONS));
    else if (field.number === 2) type = reader.count(field);
    else if (field.number === 6) stringBytes += field.end - field.start;
    else if (field.number === 8) name = reader.text(field);
    else if (field.number === 9) raw = reader.bytes(field);
    else if (field.number === 13) external.set(...readEntry(reader, reader.bytes(field)));
    else if (field.number === 14) isExternal = reader.count(field) === 1;
    if (shape.length > MAX_DIMENSIONS) fail(`tensor ${name} has more than ${MAX_DIMENSIONS} dimensions`);
  }
  const element = ONNX_ELEMENT_TYPES[type];
  if (element === undefined) return fail(`tensor ${name} has the unknown type ${type}`);
  const bytes =
    element.bits === 0
      ? stringBytes
      : Math.ceil(shape.reduce((product, dimension) => product * dimension, 1) * (element.bits / 8));
  if (!Number.isSafeInteger(bytes)) fail(`tensor ${name} of shape [${shape.join(', ')}] has more than 2^53 bytes`);
  const tensor = { name, type: element.name, shape, bytes };
  if (!isExternal) {
    if (raw !== undefined && raw.end - raw.start !== bytes)
      fail(`tensor ${name} has ${raw.end - raw.start} bytes, its shape [${shape.join(', ')}] needs ${bytes}`);
    return tensor;
  }
  const decimal = (key: string, absent: number): number => {
    const text = external.get(key);
    if (text === undefined) return absent;
    if (!/^\d{1,15}$/.test(text))
      fail(
        `tensor ${name}: the ${key} of its external data is ${JSON.stringify(text.slice(0, 40))}, expected a whole number`,
      );
    return Number(text);
  };
  const length = decimal('length', bytes);
  if (length !== bytes)
    fail(`tensor ${name} has ${length} bytes of external data, its shape [${shape.join(', ')}] needs ${bytes}`);
  return { ...tensor, external: { location: external.get('location') ?? '', end: decimal('offset', 0) + length } };
}

/** A StringStringEntryProto. */
function readEntry(reader: ProtobufReader, range: ByteRange): [key: string, value: string] {
  let key = '';
  let value = '';
  for (const field of reader.fields(range)) {
    if (field.number === 1) key = reader.text(field);
    else if (field.number === 2) value = reader.text(field);
  }
  return [key, value];
}
