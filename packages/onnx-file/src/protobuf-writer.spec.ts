import { expect, it } from '@jest/globals';
import { varint } from './protobuf-writer.js';

it('varint: values of the Protocol Buffers documentation', () => {
  expect([...varint(150)]).toEqual([0x96, 0x01]);
  expect([...varint(-2)]).toEqual([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
});
