import { InvalidPickleError } from './errors.js';

/**
 * The bytes of a pickle, read from front to end; every length is checked before it is used. @throws InvalidPickleError.
 */
export class PickleBytes {
  readonly #view: DataView;

  constructor(
    private readonly file: string,
    private readonly bytes: Uint8Array,
    public position: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes that are left. */
  get left(): number {
    return this.bytes.length - this.position;
  }

  /** Text up to a line feed, which is read too. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) return this.fail('a line that does not end');
    const text = Buffer.from(this.bytes.subarray(this.position, end)).toString('utf8');
    this.position = end + 1;
    return text;
  }
  /** Unsigned, little-endian. */
  number(width: 1 | 2 | 4 | 8): number {
    if (width === 8) return Number(this.#take(8, (at) => this.#view.getBigUint64(at, true)));
    return this.#take(width, (at) =>
      width === 1
        ? this.#view.getUint8(at)
        : width === 2
          ? this.#view.getUint16(at, true)
          : this.#view.getUint32(at, true),
    );
  }
  int32(): number {
    return this.#take(4, (at) => this.#view.getInt32(at, true));
  }
  /** Big-endian, as the format has it. */
  float64(): number {
    return this.#take(8, (at) => this.#view.getFloat64(at, false));
  }
  slice(length: number): Uint8Array {
    return this.#take(length, (at) => this.bytes.subarray(at, at + length));
  }
  fail(reason: string): never {
    throw new InvalidPickleError(this.file, this.position, reason);
  }

  #take<T>(length: number, read: (at: number) => T): T {
    const at = this.position;
    if (at + length > this.bytes.length) this.fail(`${length} bytes expected, ${this.left} are left`);
    this.position += length;
    return read(at);
  }
}
