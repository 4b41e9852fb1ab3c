import type { FileWindow } from './file-window.js';

/** Fields of one file: bounds the time. A graph of 12 layers with 4-bit weights has 12,681. */
const MAX_FIELDS = 1_000_000;
/** Bytes of one name. Operators, tensors and dimensions have short ones. */
const MAX_NAME_BYTES = 65_536;
/** A varint has at most ten bytes of seven bits (Protocol Buffers encoding, "Base 128 Varints"). */
const MAX_VARINT_BYTES = 10;

/** What is decoded: a file, or bytes in memory. */
export type ByteSource = Pick<FileWindow, 'byteAt' | 'read'>;

/** Half-open range of bytes of a source. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One field of a message. Of wire type 2 (`bytes`) only the range is known until it is read. */
export interface ProtobufField extends ByteRange {
  readonly number: number;
  readonly wire: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
  /** Of a varint; 0 otherwise. */
  readonly value: bigint;
}

const WIRE_TYPES: Readonly<Record<number, ProtobufField['wire']>> = {
  0: 'varint',
  1: 'fixed64',
  2: 'bytes',
  5: 'fixed32',
};

/**
 * Protocol Buffers wire format, decoding only; every length is checked against its message before anything
 * is read.
 */
export class ProtobufReader {
  readonly #window: ByteSource;
  readonly #fail: (reason: string) => never;
  #fields = 0;

  /** @param fail throws the format's error. */
  constructor(window: ByteSource, fail: (reason: string) => never) {
    this.#window = window;
    this.#fail = fail;
  }

  *fields({ start, end }: ByteRange): Generator<ProtobufField> {
    let at = start;
    while (at < end) {
      const tag = this.#varint(at, end);
      const number = Number(tag.value >> 3n);
      const wire = WIRE_TYPES[Number(tag.value & 7n)];
      if (number < 1 || number > 0x1fffffff) this.#fail(`field number ${number} at byte ${at}: not a protobuf message`);
      if (wire === undefined) return this.#fail(`wire type ${tag.value & 7n} at byte ${at}: not a protobuf message`);
      if ((this.#fields += 1) > MAX_FIELDS) this.#fail(`more than ${MAX_FIELDS} fields`);
      const field = this.#field(number, wire, tag.end, end);
      at = field.end;
      yield field;
    }
  }

  /** UTF-8 text of a `bytes` field. */
  text(field: ProtobufField): string {
    const { start, end } = this.bytes(field);
    if (end - start > MAX_NAME_BYTES)
      this.#fail(`a name of ${end - start} bytes at byte ${start}, the limit is ${MAX_NAME_BYTES}`);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.#window.read(start, end - start));
    } catch {
      return this.#fail(`the name at byte ${start} is not UTF-8`);
    }
  }

  /** A whole number from 0 to 2⁵³ - 1. */
  count(field: ProtobufField): number {
    if (field.wire !== 'varint')
      this.#fail(`field ${field.number} at byte ${field.start} is ${field.wire}, expected a number`);
    return this.#whole(field.value, field.start);
  }

  /** The numbers of a repeated field: one, or several packed. */
  counts(field: ProtobufField, limit: number): readonly number[] {
    if (field.wire === 'varint') return [this.count(field)];
    const { start, end } = this.bytes(field);
    const values: number[] = [];
    for (let at = start; at < end;) {
      if (values.length >= limit) this.#fail(`more than ${limit} numbers in the list at byte ${start}`);
      const varint = this.#varint(at, end);
      values.push(this.#whole(varint.value, at));
      at = varint.end;
    }
    return values;
  }

  /** The field itself, where it is a message, text or bytes. */
  bytes(field: ProtobufField): ByteRange {
    if (field.wire !== 'bytes')
      this.#fail(`field ${field.number} at byte ${field.start} is ${field.wire}, expected bytes`);
    return field;
  }

  #field(number: number, wire: ProtobufField['wire'], at: number, end: number): ProtobufField {
    if (wire === 'varint') {
      const { value, end: next } = this.#varint(at, end);
      return { number, wire, value, start: at, end: next };
    }
    let start = at;
    let length = wire === 'fixed64' ? 8n : 4n;
    if (wire === 'bytes') {
      const varint = this.#varint(at, end);
      length = varint.value;
      start = varint.end;
    }
    if (length > BigInt(end - start))
      this.#fail(`field ${number} at byte ${at} claims ${length} bytes, its message has ${end - start} left`);
    return { number, wire, value: 0n, start, end: start + Number(length) };
  }

  #varint(at: number, end: number): { readonly value: bigint; readonly end: number } {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = at + i < end ? this.#window.byteAt(at + i) : -1;
      if (byte < 0) this.#fail(`the message ends inside a number at byte ${at}`);
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: at + i + 1 };
    }
    return this.#fail(`a number of more than ${MAX_VARINT_BYTES} bytes at byte ${at}`);
  }

  #whole(value: bigint, at: number): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      this.#fail(`the number ${BigInt.asIntN(64, value)} at byte ${at}, expected 0 to 2^53 - 1`);
    return Number(value);
  }
}
