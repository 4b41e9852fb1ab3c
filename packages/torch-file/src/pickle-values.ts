import type { ElementType } from '@kimera/safetensors';

/** What the unpickler builds: plain data, references, nothing that acts. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleFloat
  | Uint8Array
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleGlobal
  | TorchStorage
  | TorchTensor;

/** A floating-point number. A class of its own, since 6.0 must not be taken for a size. */
export class PickleFloat {
  constructor(readonly value: number) {}
}
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}
export class PickleList {
  readonly items: PickleValue[] = [];
}
/** dict and OrderedDict. A Map, so `__proto__` is a key like any other. */
export class PickleDict {
  readonly entries = new Map<PickleKey, PickleValue>();
}
export type PickleKey = string | number | bigint | boolean | null;

/** A name of the allow-list. What calling it gives: torch-functions.ts. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
}

/** Bytes of the file that one or more tensors look into. */
export class TorchStorage {
  constructor(
    readonly key: string,
    readonly type: ElementType,
    /** Elements of `type`. */
    readonly elements: number,
  ) {}
}

/** A view of a storage: `offset` and `strides` in elements of `type`. */
export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly type: ElementType,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}
