import { ForbiddenGlobalError, ForbiddenOpcodeError, InvalidPickleError } from '../errors/torch-errors.js';
import { ResourceLimitError } from '../errors/checkpoint-errors.js';
import { PickleDict, PickleFloat, PickleGlobal, PickleList, PickleTuple, TorchStorage, TorchTensor, type PickleKey, type PickleValue } from './pickle-values.js';
import { rebuildTensor } from './rebuild-tensor.js';
import { ALLOWED_GLOBALS, DTYPES, STORAGE_TYPES } from './torch-types.js';

const HIGHEST_PROTOCOL = 5;
/** Items that a pickle may put into its containers; a checkpoint of ten thousand tensors needs under a million. */
const MAX_ITEMS = 5_000_000;

class Mark {}
type StackItem = PickleValue | Mark;

/**
 * Runs a pickle on a stack of plain data. Allow-list of opcodes and of globals; no attribute is looked up, no function is called:
 * the few names that are allowed are interpreted here. (CPython's Lib/pickletools.py is the specification of the opcodes.)
 */
export class Unpickler {
  readonly #view: DataView;
  readonly #stack: StackItem[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #position: number;
  #items = 0;

  constructor(
    private readonly file: string,
    private readonly bytes: Uint8Array,
    start = 0,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#position = start;
  }

  /** The byte after STOP. */
  get end(): number {
    return this.#position;
  }

  /** @throws ForbiddenGlobalError, ForbiddenOpcodeError, InvalidPickleError, TensorBoundsError, ResourceLimitError. */
  load(): PickleValue {
    if (this.bytes.length === this.#position) this.#fail('empty');
    for (;;) {
      const opcode = this.#number(1);
      if (opcode === 0x2e) {
        const value = this.#pop();
        if (this.#stack.length > 0) this.#fail(`${this.#stack.length} values are left at STOP`);
        return value;
      }
      const act = OPCODES[opcode];
      if (act === undefined) throw new ForbiddenOpcodeError(this.file, opcode, this.#position - 1);
      act(this);
    }
  }

  // What the table of opcodes uses.

  protocol(): void {
    const version = this.#number(1);
    if (version > HIGHEST_PROTOCOL) this.#fail(`protocol ${version}, the highest is ${HIGHEST_PROTOCOL}`);
  }
  frame(): void {
    const length = this.#length(8);
    if (this.#position + length > this.bytes.length) this.#fail(`a frame of ${length} bytes, ${this.bytes.length - this.#position} are there`);
  }
  push(value: PickleValue): void {
    this.#stack.push(value);
  }
  mark(): void {
    this.#stack.push(new Mark());
  }
  pop(): void {
    if (this.#stack.pop() === undefined) this.#fail('pop from an empty stack');
  }
  unsigned(width: 1 | 2): void {
    this.push(this.#number(width));
  }
  int32(): void {
    this.push(this.#take(4, (at) => this.#view.getInt32(at, true)));
  }
  float64(): void {
    this.push(new PickleFloat(this.#take(8, (at) => this.#view.getFloat64(at, false))));
  }
  /** Little-endian two's complement. torch's magic number has 10 bytes, nothing has more than 16. */
  long(width: 1 | 4): void {
    const length = width === 1 ? this.#number(1) : this.#take(4, (at) => this.#view.getInt32(at, true));
    if (length < 0 || length > 16) this.#fail(`an integer of ${length} bytes`);
    const digits = this.#slice(length);
    const unsigned = digits.reduceRight((sum, digit) => (sum << 8n) | BigInt(digit), 0n);
    const value = BigInt.asIntN(Math.max(8, length * 8), unsigned);
    this.push(Number.isSafeInteger(Number(value)) ? Number(value) : value);
  }
  text(width: 1 | 4 | 8): void {
    const bytes = this.#slice(this.#length(width));
    try {
      this.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      this.#fail('a string that is not UTF-8');
    }
  }
  /** Python 2's str: bytes, read as Latin-1. */
  oldText(width: 1 | 4): void {
    this.push(Buffer.from(this.#slice(this.#length(width))).toString('latin1'));
  }
  blob(width: 1 | 4 | 8): void {
    this.push(this.#slice(this.#length(width)));
  }
  list(items: readonly PickleValue[]): void {
    const list = new PickleList();
    this.#append(list, items);
    this.push(list);
  }
  append(items: readonly PickleValue[]): void {
    const list = this.#peek();
    if (!(list instanceof PickleList)) this.#fail('APPEND to something that is not a list');
    else this.#append(list, items);
  }
  tuple(items: readonly PickleValue[]): void {
    this.#spend(items.length);
    this.push(new PickleTuple(items));
  }
  dict(items: readonly PickleValue[]): void {
    const dict = new PickleDict();
    this.#set(dict, items);
    this.push(dict);
  }
  setItems(items: readonly PickleValue[]): void {
    const dict = this.#peek();
    if (!(dict instanceof PickleDict)) this.#fail('SETITEM on something that is not a dict');
    else this.#set(dict, items);
  }
  /** The last `count` values. */
  take(count: number): readonly PickleValue[] {
    const items: PickleValue[] = [];
    for (let i = 0; i < count; i++) items.unshift(this.#pop());
    return items;
  }
  /** The values above the last mark, which goes too. */
  takeToMark(): readonly PickleValue[] {
    for (let at = this.#stack.length - 1; at >= 0; at--) {
      if (!(this.#stack[at] instanceof Mark)) continue;
      return this.#stack.splice(at).slice(1) as PickleValue[];
    }
    return this.#fail('no mark on the stack');
  }
  put(width: 1 | 4): void {
    this.#memo.set(this.#number(width), this.#peek());
  }
  memoize(): void {
    this.#memo.set(this.#memo.size, this.#peek());
  }
  get(width: 1 | 4): void {
    const index = this.#number(width);
    const value = this.#memo.get(index);
    if (value === undefined) this.#fail(`memo ${index} was never stored`);
    else this.push(value);
  }
  global(): void {
    const module = this.#line();
    this.#global(module, this.#line());
  }
  stackGlobal(): void {
    const [module, name] = this.take(2);
    if (typeof module !== 'string' || typeof name !== 'string') this.#fail('STACK_GLOBAL without two strings');
    else this.#global(module, name);
  }
  persistentId(): void {
    const [id] = this.take(1);
    const [kind, storage, key, , elements, view] = id instanceof PickleTuple ? id.items : [];
    if (kind !== 'storage' || !(storage instanceof PickleGlobal) || typeof key !== 'string' || typeof elements !== 'number' || !Number.isSafeInteger(elements) || elements < 0) {
      return this.#fail('a persistent id that is not a storage');
    }
    if (view !== undefined && view !== null) return this.#fail('a storage that is a view of another');
    const name = `${storage.module}.${storage.name}`;
    const type = name === 'torch.storage.UntypedStorage' ? 'U8' : storage.module === 'torch' ? STORAGE_TYPES[storage.name] : undefined;
    if (type === undefined) return this.#fail(`${name} is not a storage`);
    this.push(new TorchStorage(key, type, elements));
  }
  reduce(): void {
    const [callee, argument] = this.take(2);
    if (!(callee instanceof PickleGlobal) || !(argument instanceof PickleTuple)) return this.#fail('REDUCE without a function and its arguments');
    this.push(this.#call(`${callee.module}.${callee.name}`, argument.items) ?? this.#fail(`wrong arguments of ${callee.module}.${callee.name}`));
  }
  /** State of an OrderedDict (torch's `_metadata`) says nothing about tensors and is dropped; nothing else may have one. */
  build(): void {
    const state = this.#pop();
    if (!(this.#peek() instanceof PickleDict)) this.#fail('BUILD of something that is not a dict');
    if (!(state instanceof PickleDict) || [...state.entries.keys()].some((key) => key !== '_metadata')) this.#fail('BUILD with another state than _metadata');
  }

  #call(name: string, items: readonly PickleValue[]): PickleValue | undefined {
    const [first] = items;
    switch (name) {
      case 'collections.OrderedDict': {
        if (items.length === 0) return new PickleDict();
        if (items.length !== 1 || !(first instanceof PickleList)) return undefined;
        const dict = new PickleDict();
        for (const pair of first.items) {
          const parts = pair instanceof PickleTuple || pair instanceof PickleList ? pair.items : [];
          if (parts.length !== 2) return undefined;
          this.#set(dict, parts);
        }
        return dict;
      }
      // Protocol 2 writes a set as a list and this call.
      case '__builtin__.set':
      case 'builtins.set':
        return items.length === 1 && first instanceof PickleList ? first : undefined;
      // Protocol 2 writes bytes as a Latin-1 string and this call.
      case '_codecs.encode':
        return items.length === 2 && typeof first === 'string' && items[1] === 'latin1' ? Uint8Array.from(Buffer.from(first, 'latin1')) : undefined;
      case 'torch.Size':
        return items.length === 1 && first instanceof PickleTuple ? first : undefined;
      case 'torch._utils._rebuild_tensor':
        return items.length === 4 ? rebuildTensor(this.file, items, undefined) : undefined;
      case 'torch._utils._rebuild_tensor_v2':
        return items.length === 6 || items.length === 7 ? rebuildTensor(this.file, items, undefined) : undefined;
      case 'torch._utils._rebuild_tensor_v3': {
        const dtype = items[6];
        const type = dtype instanceof PickleGlobal && dtype.module === 'torch' ? DTYPES[dtype.name] : undefined;
        return type === undefined || items.length > 8 ? undefined : rebuildTensor(this.file, items, type);
      }
      case 'torch._utils._rebuild_parameter':
        return items.length === 3 && first instanceof TorchTensor ? first : undefined;
      default:
        return this.#fail(`${name} is not a function`);
    }
  }

  #global(module: string, name: string): void {
    // A dotted name would walk attributes.
    if (name.includes('.') || !ALLOWED_GLOBALS.has(`${module}.${name}`)) throw new ForbiddenGlobalError(this.file, module.slice(0, 100), name.slice(0, 100));
    this.push(new PickleGlobal(module, name));
  }
  #append(list: PickleList, items: readonly PickleValue[]): void {
    this.#spend(items.length);
    for (const item of items) list.items.push(item);
  }
  #set(dict: PickleDict, items: readonly PickleValue[]): void {
    if (items.length % 2 !== 0) this.#fail('a key without a value');
    this.#spend(items.length);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (!isKey(key)) return this.#fail('a key that is not hashable, or of a kind that no checkpoint has');
      dict.entries.set(key, items[i + 1] ?? null);
    }
  }
  #spend(items: number): void {
    this.#items += items;
    if (this.#items > MAX_ITEMS) throw new ResourceLimitError(this.file, 'items of the pickle', this.#items, MAX_ITEMS);
  }
  #peek(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value instanceof Mark) return this.#fail('the stack is empty');
    return value;
  }
  #pop(): PickleValue {
    const value = this.#peek();
    this.#stack.pop();
    return value;
  }
  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.#position);
    if (end < 0) return this.#fail('a line that does not end');
    const text = Buffer.from(this.bytes.subarray(this.#position, end)).toString('utf8');
    this.#position = end + 1;
    return text;
  }
  #length(width: 1 | 4 | 8): number {
    return width === 8 ? Number(this.#take(8, (at) => this.#view.getBigUint64(at, true))) : this.#number(width);
  }
  #number(width: 1 | 2 | 4): number {
    return this.#take(width, (at) => (width === 1 ? this.#view.getUint8(at) : width === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true)));
  }
  #slice(length: number): Uint8Array {
    return this.#take(length, (at) => this.bytes.subarray(at, at + length));
  }
  #take<T>(length: number, read: (at: number) => T): T {
    const at = this.#position;
    if (at + length > this.bytes.length) this.#fail(`${length} bytes expected, ${this.bytes.length - at} are left`);
    this.#position += length;
    return read(at);
  }
  #fail(reason: string): never {
    throw new InvalidPickleError(this.file, this.#position, reason);
  }
}

function isKey(value: PickleValue | undefined): value is PickleKey {
  return value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

/** Opcode → what it does; those that are absent are refused: INST, OBJ, NEWOBJ, EXT, PERSID and the text forms of protocol 0. */
const OPCODES: Readonly<Partial<Record<number, (machine: Unpickler) => void>>> = {
  0x80: (machine) => machine.protocol(),
  0x95: (machine) => machine.frame(),
  0x28: (machine) => machine.mark(),
  0x30: (machine) => machine.pop(),
  0x31: (machine) => void machine.takeToMark(),
  0x4e: (machine) => machine.push(null),
  0x88: (machine) => machine.push(true),
  0x89: (machine) => machine.push(false),
  0x4b: (machine) => machine.unsigned(1),
  0x4d: (machine) => machine.unsigned(2),
  0x4a: (machine) => machine.int32(),
  0x8a: (machine) => machine.long(1),
  0x8b: (machine) => machine.long(4),
  0x47: (machine) => machine.float64(),
  0x58: (machine) => machine.text(4),
  0x8c: (machine) => machine.text(1),
  0x8d: (machine) => machine.text(8),
  0x54: (machine) => machine.oldText(4),
  0x55: (machine) => machine.oldText(1),
  0x42: (machine) => machine.blob(4),
  0x43: (machine) => machine.blob(1),
  0x8e: (machine) => machine.blob(8),
  0x5d: (machine) => machine.list([]),
  0x6c: (machine) => machine.list(machine.takeToMark()),
  0x61: (machine) => machine.append(machine.take(1)),
  0x65: (machine) => machine.append(machine.takeToMark()),
  0x29: (machine) => machine.tuple([]),
  0x85: (machine) => machine.tuple(machine.take(1)),
  0x86: (machine) => machine.tuple(machine.take(2)),
  0x87: (machine) => machine.tuple(machine.take(3)),
  0x74: (machine) => machine.tuple(machine.takeToMark()),
  0x7d: (machine) => machine.dict([]),
  0x64: (machine) => machine.dict(machine.takeToMark()),
  0x73: (machine) => machine.setItems(machine.take(2)),
  0x75: (machine) => machine.setItems(machine.takeToMark()),
  0x71: (machine) => machine.put(1),
  0x72: (machine) => machine.put(4),
  0x94: (machine) => machine.memoize(),
  0x68: (machine) => machine.get(1),
  0x6a: (machine) => machine.get(4),
  0x63: (machine) => machine.global(),
  0x93: (machine) => machine.stackGlobal(),
  0x51: (machine) => machine.persistentId(),
  0x52: (machine) => machine.reduce(),
  0x62: (machine) => machine.build(),
};
