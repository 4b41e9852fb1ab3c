import { describe, expect, it } from '@jest/globals';
import { InvalidOnnxError } from './errors.js';
import { type ExternalPlace, moveExternalData } from './move-external-data.js';
import { ProtobufWriter } from './protobuf-writer.js';

const pairs = (entries: Readonly<Record<string, string>>): ProtobufWriter => {
  const tensor = new ProtobufWriter();
  for (const [key, value] of Object.entries(entries))
    tensor.message(13, new ProtobufWriter().string(1, key).string(2, value));
  return tensor;
};
const tensor = (name: string, entries: Readonly<Record<string, string>>): ProtobufWriter =>
  pairs(entries).string(8, name).int(14, 1);
const model = (graph: ProtobufWriter): Uint8Array => new ProtobufWriter().int(1, 8).message(7, graph).finish();
/** A node with one attribute. */
const node = (attribute: ProtobufWriter): ProtobufWriter =>
  new ProtobufWriter().string(4, 'If').message(5, attribute.string(1, 'then_branch'));
const external = (offset: number, packed?: string): Readonly<Record<string, string>> => ({
  location: 'weights',
  offset: String(offset),
  length: '10',
  ...(packed === undefined ? {} : { prepacked_0: packed }),
});
const plus = ({ offset, length }: ExternalPlace): number => offset + 1_000 * length;

describe('moveExternalData', () => {
  it('moves tensors and their packed forms, in graphs within graphs too; all else stays, byte for byte', () => {
    const graphOf = (at: (offset: number, length: number) => number): Uint8Array => {
      const packed = `MatMul+7|${at(30, 4)};4;0|${at(34, 6)};6;9`;
      const inner = (offset: number): ProtobufWriter =>
        new ProtobufWriter().message(5, tensor('b', external(at(offset, 10))));
      return model(
        new ProtobufWriter()
          .message(1, node(new ProtobufWriter().message(6, inner(40))))
          .message(1, node(new ProtobufWriter().message(11, inner(50)).message(5, tensor('c', external(at(60, 10))))))
          .string(2, 'a graph')
          .message(5, tensor('a', external(at(20, 10), packed)))
          .message(5, tensor('small', {}).float(4, 1.5)),
      );
    };
    const moved = moveExternalData(
      graphOf((offset) => offset),
      plus,
    );
    expect(moved).toEqual(graphOf((offset, length) => offset + 1_000 * length));
    expect(moveExternalData(moved, ({ offset }) => offset)).toEqual(moved);
  });

  it('keeps the last of two tensors of one name in one graph; graphs within each other may use a name again', () => {
    const inner = new ProtobufWriter().message(5, tensor('a', external(3)));
    const graph = (first: readonly ProtobufWriter[]): Uint8Array => {
      const all = new ProtobufWriter();
      for (const each of first) all.message(5, each);
      return model(all.message(5, tensor('a', external(2))).message(1, node(new ProtobufWriter().message(6, inner))));
    };
    expect(moveExternalData(graph([tensor('a', external(1))]), ({ offset }) => offset)).toEqual(graph([]));
  });

  it.each(['-1', '1e3', '', '9007199254740993'])('refuses %j as a place', (offset) => {
    const broken = model(new ProtobufWriter().message(5, tensor('a', { offset, length: '1' })));
    expect(() => moveExternalData(broken, plus)).toThrow(InvalidOnnxError);
  });

  it('refuses what is no message', () => {
    expect(() => moveExternalData(Uint8Array.of(0x3a, 200), plus)).toThrow(InvalidOnnxError);
  });
});
