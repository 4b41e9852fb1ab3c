import type { InspectedPort } from './inspection.js';
import { ONNX_ELEMENT_TYPES } from './onnx-element-types.js';
import { MAX_DIMENSIONS } from './onnx-tensor.js';
import type { ByteRange, ProtobufReader } from './protobuf-reader.js';

/** TypeProto's other kinds, by field number. */
const OTHER_TYPES: Readonly<Record<number, string>> = { 4: 'sequence', 5: 'map', 8: 'sparse tensor', 9: 'optional' };

/** Reads a ValueInfoProto. Field numbers are those of onnx.proto3. @param fail throws the format's error. */
export function readOnnxPort(reader: ProtobufReader, range: ByteRange, fail: (reason: string) => never): InspectedPort {
  let name = '';
  let type = 'unknown';
  let shape: readonly (number | string)[] = [];
  for (const field of reader.fields(range)) {
    if (field.number === 1) name = reader.text(field);
    if (field.number !== 2) continue;
    for (const kind of reader.fields(reader.bytes(field))) {
      type = OTHER_TYPES[kind.number] ?? type;
      if (kind.number === 1) ({ type, shape } = readTensorType(reader, reader.bytes(kind), fail));
    }
  }
  return { name, type, shape };
}

/** TypeProto.Tensor. */
function readTensorType(
  reader: ProtobufReader,
  range: ByteRange,
  fail: (reason: string) => never,
): Omit<InspectedPort, 'name'> {
  let type = 'unknown';
  const shape: (number | string)[] = [];
  for (const field of reader.fields(range)) {
    if (field.number === 1) {
      const number = reader.count(field);
      type = ONNX_ELEMENT_TYPES[number]?.name ?? fail(`an input or output has the unknown type ${number}`);
    }
    if (field.number !== 2) continue;
    for (const dimension of reader.fields(reader.bytes(field))) {
      if (dimension.number !== 1) continue;
      if (shape.length >= MAX_DIMENSIONS) fail(`an input or output has more than ${MAX_DIMENSIONS} dimensions`);
      let value: number | string = '?';
      for (const part of reader.fields(reader.bytes(dimension))) {
        if (part.number === 1) value = reader.count(part);
        else if (part.number === 2) value = reader.text(part) || '?';
      }
      shape.push(value);
    }
  }
  return { type, shape };
}
