import type { SyntheticTensor } from './synthetic-tensor.js';

const STORAGES = { F32: 'FloatStorage', F16: 'HalfStorage' } as const;

/**
 * The data.pkl of torch.save for an OrderedDict of tensors, tensor i in storage i: protocol 2, the opcodes that torch's
 * own reader knows (CPython's Lib/pickletools.py is their specification).
 */
export function pickleTensors(tensors: readonly SyntheticTensor[]): Uint8Array {
  const parts: Buffer[] = [Buffer.from([0x80, 2])];
  const add = (...bytes: readonly number[]): void => void parts.push(Buffer.from(bytes));
  const line = (opcode: string, ...lines: readonly string[]): void =>
    void parts.push(Buffer.from(`${opcode}${lines.map((text) => `${text}\n`).join('')}`));
  const text = (value: string): void => {
    const bytes = Buffer.from(value);
    const head = Buffer.alloc(5);
    head.write('X');
    head.writeUInt32LE(bytes.length, 1);
    parts.push(head, bytes);
  };
  const integer = (value: number): void => {
    if (value > 0x7fffffff) throw new RangeError(`${value} does not fit into BININT`);
    const bytes = Buffer.alloc(5);
    bytes.write('J');
    bytes.writeInt32LE(value, 1);
    parts.push(bytes);
  };
  const tuple = (values: readonly number[]): void => {
    line('(');
    values.forEach(integer);
    line('t');
  };
  const orderedDict = (): void => {
    line('c', 'collections', 'OrderedDict');
    line(')R');
  };
  orderedDict();
  line('(');
  tensors.forEach(({ name, shape, type }, i) => {
    text(name);
    line('c', 'torch._utils', '_rebuild_tensor_v2');
    line('((');
    text('storage');
    line('c', 'torch', STORAGES[type]);
    text(String(i));
    text('cpu');
    integer(shape.reduce((product, size) => product * size, 1));
    // BINPERSID; then offset, shape, strides, requires_grad, hooks.
    line('tQ');
    integer(0);
    tuple(shape);
    tuple(shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1)));
    add(0x89);
    orderedDict();
    line('tR');
  });
  line('u.');
  return Buffer.concat(parts);
}
