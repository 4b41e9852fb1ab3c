import type { PickleValue } from './pickle-values.js';

/** What the opcodes do on the stack and the memo; the widths are those of the numbers in the pickle, in bytes. */
export interface PickleMachine {
  protocol(): void;
  frame(): void;
  mark(): void;
  pop(): void;
  push(value: PickleValue): void;
  /** The last `count` values. */
  take(count: number): readonly PickleValue[];
  /** The values above the last mark, which goes too. */
  takeToMark(): readonly PickleValue[];
  unsigned(width: 1 | 2): void;
  int32(): void;
  long(width: 1 | 4): void;
  float64(): void;
  text(width: 1 | 4 | 8): void;
  /** Python 2's str. */
  oldText(width: 1 | 4): void;
  blob(width: 1 | 4 | 8): void;
  list(items: readonly PickleValue[]): void;
  append(items: readonly PickleValue[]): void;
  tuple(items: readonly PickleValue[]): void;
  dict(items: readonly PickleValue[]): void;
  setItems(items: readonly PickleValue[]): void;
  put(width: 1 | 4): void;
  memoize(): void;
  get(width: 1 | 4): void;
  global(): void;
  stackGlobal(): void;
  persistentId(): void;
  reduce(): void;
  build(): void;
}

/**
 * Opcode → what it does; those that are absent are refused: INST, OBJ, NEWOBJ, EXT, PERSID and the text forms of
 * protocol 0.
 */
export const OPCODES: Readonly<Partial<Record<number, (machine: PickleMachine) => void>>> = {
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
