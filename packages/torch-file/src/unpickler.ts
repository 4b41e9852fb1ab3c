import { ForbiddenGlobalError, ForbiddenOpcodeError } from './errors.js';
import { ResourceLimitError } from '@kimera/tensor-file';
import {
  PickleDict,
  PickleFloat,
  PickleGlobal,
  PickleList,
  PickleTuple,
  TorchStorage,
  type PickleKey,
  type PickleValue,
} from './pickle-values.js';
import { OPCODES, type PickleMachine } from './opcodes.js';
import { PickleBytes } from './pickle-bytes.js';
import { TORCH_FUNCTIONS } from './torch-functions.js';
import { ALLOWED_GLOBALS, STORAGE_TYPES } from './torch-types.js';

const HIGHEST_PROTOCOL = 5;
/** Items that a pickle may put into its containers; a checkpoint of ten thousand tensors needs under a million. */
const MAX_ITEMS = 5_000_000;

class Mark {}
type StackItem = PickleValue | Mark;

/**
 * Runs a pickle on a stack of plain data. Allow-list of opcodes and of globals; no attribute is looked up, no function
 * is called:
 * the few names that are allowed are interpreted here. (CPython's Lib/pickletools.py is the specification of the
 * opcodes.)
 */
export class Unpickler implements PickleMachine {
  readonly #bytes: PickleBytes;
  readonly #stack: StackItem[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #items = 0;

  constructor(
    private readonly file: string,
    bytes: Uint8Array,
    start = 0,
  ) {
    this.#bytes = new PickleBytes(file, bytes, start);
  }

  /** The byte after STOP. */
  get end(): number {
    return this.#bytes.position;
  }

  /** @throws ForbiddenGlobalError, ForbiddenOpcodeError, InvalidPickleError, TensorBoundsError, ResourceLimitError. */
  load(): PickleValue {
    if (this.#bytes.left === 0) this.#fail('empty');
    for (;;) {
      const opcode = this.#bytes.number(1);
      if (opcode === 0x2e) {
        const value = this.#pop();
        if (this.#stack.length > 0) this.#fail(`${this.#stack.length} values are left at STOP`);
        return value;
      }
      const act = OPCODES[opcode];
      if (act === undefined) throw new ForbiddenOpcodeError(this.file, opcode, this.#bytes.position - 1);
      act(this);
    }
  }

  // The methods that the table of opcodes calls.

  protocol(): void {
    const version = this.#bytes.number(1);
    if (version > HIGHEST_PROTOCOL) this.#fail(`protocol ${version}, the highest is ${HIGHEST_PROTOCOL}`);
  }
  frame(): void {
    const length = this.#bytes.number(8);
    if (length > this.#bytes.left) this.#fail(`a frame of ${length} bytes, ${this.#bytes.left} are there`);
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
    this.push(this.#bytes.number(width));
  }
  int32(): void {
    this.push(this.#bytes.int32());
  }
  float64(): void {
    this.push(new PickleFloat(this.#bytes.float64()));
  }
  /** Little-endian two's complement. torch's magic number has 10 bytes, nothing has more than 16. */
  long(width: 1 | 4): void {
    const length = width === 1 ? this.#bytes.number(1) : this.#bytes.int32();
    if (length < 0 || length > 16) this.#fail(`an integer of ${length} bytes`);
    const digits = this.#bytes.slice(length);
    const unsigned = digits.reduceRight((sum, digit) => (sum << 8n) | BigInt(digit), 0n);
    const value = BigInt.asIntN(Math.max(8, length * 8), unsigned);
    this.push(Number.isSafeInteger(Number(value)) ? Number(value) : value);
  }
  text(width: 1 | 4 | 8): void {
    const bytes = this.#bytes.slice(this.#bytes.number(width));
    try {
      this.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      this.#fail('a string that is not UTF-8');
    }
  }
  /** Python 2's str: bytes, read as Latin-1. */
  oldText(width: 1 | 4): void {
    this.push(Buffer.from(this.#bytes.slice(this.#bytes.number(width))).toString('latin1'));
  }
  blob(width: 1 | 4 | 8): void {
    this.push(this.#bytes.slice(this.#bytes.number(width)));
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
    this.#memo.set(this.#bytes.number(width), this.#peek());
  }
  memoize(): void {
    this.#memo.set(this.#memo.size, this.#peek());
  }
  get(width: 1 | 4): void {
    const index = this.#bytes.number(width);
    const value = this.#memo.get(index);
    if (value === undefined) this.#fail(`memo ${index} was never stored`);
    else this.push(value);
  }
  global(): void {
    const module = this.#bytes.line();
    this.#global(module, this.#bytes.line());
  }
  stackGlobal(): void {
    const [module, name] = this.take(2);
    if (typeof module !== 'string' || typeof name !== 'string') this.#fail('STACK_GLOBAL without two strings');
    else this.#global(module, name);
  }
  persistentId(): void {
    const [id] = this.take(1);
    const [kind, storage, key, , elements, view] = id instanceof PickleTuple ? id.items : [];
    if (
      kind !== 'storage' ||
      !(storage instanceof PickleGlobal) ||
      typeof key !== 'string' ||
      typeof elements !== 'number' ||
      !Number.isSafeInteger(elements) ||
      elements < 0
    ) {
      return this.#fail('a persistent id that is not a storage');
    }
    if (view !== undefined && view !== null) return this.#fail('a storage that is a view of another');
    const name = `${storage.module}.${storage.name}`;
    const type =
      name === 'torch.storage.UntypedStorage'
        ? 'U8'
        : storage.module === 'torch'
          ? STORAGE_TYPES[storage.name]
          : undefined;
    if (type === undefined) return this.#fail(`${name} is not a storage`);
    this.push(new TorchStorage(key, type, elements));
  }
  reduce(): void {
    const [callee, argument] = this.take(2);
    if (!(callee instanceof PickleGlobal) || !(argument instanceof PickleTuple))
      return this.#fail('REDUCE without a function and its arguments');
    const name = `${callee.module}.${callee.name}`;
    const call = TORCH_FUNCTIONS[name] ?? this.#fail(`${name} is not a function`);
    this.push(
      call(argument.items, this.file, (dict, pair) => this.#set(dict, pair)) ??
        this.#fail(`wrong arguments of ${name}`),
    );
  }
  /**
   * State of an OrderedDict (torch's `_metadata`) says nothing about tensors and is dropped; nothing else may have one.
   */
  build(): void {
    const state = this.#pop();
    if (!(this.#peek() instanceof PickleDict)) this.#fail('BUILD of something that is not a dict');
    if (!(state instanceof PickleDict) || [...state.entries.keys()].some((key) => key !== '_metadata'))
      this.#fail('BUILD with another state than _metadata');
  }

  #global(module: string, name: string): void {
    // A name with a dot would look up attributes.
    if (name.includes('.') || !ALLOWED_GLOBALS.has(`${module}.${name}`))
      throw new ForbiddenGlobalError(this.file, module.slice(0, 100), name.slice(0, 100));
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
  #fail(reason: string): never {
    return this.#bytes.fail(reason);
  }
}

function isKey(value: PickleValue | undefined): value is PickleKey {
  return value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}
