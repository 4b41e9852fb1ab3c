import { HEADER_BYTES, type Frame } from './frames.js';

/**
 * Of a start-up or a password: an unknown client cannot make the server keep more than this (PostgreSQL's own limit,
 * MAX_STARTUP_PACKET_LENGTH).
 */
const MAX_GREETING_BYTES = 10_000;
/** Of any later message: PostgreSQL's largest field is 1 GB, which would not fit into PGlite's memory twice. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** A message that is too long, or that says it is shorter than its own length field. */
export class FrameError extends Error {}

/** Cuts the bytes of a connection into messages, however they arrive. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #limit = MAX_GREETING_BYTES;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** From now on the client is known: messages may be long. */
  trust(): void {
    this.#limit = MAX_MESSAGE_BYTES;
  }

  /** The body of a message without type, or undefined where it is not complete. @throws FrameError. */
  greeting(): Buffer | undefined {
    return this.#take(0)?.subarray(4);
  }

  /** @throws FrameError. */
  next(): Frame | undefined {
    const bytes = this.#take(1);
    return bytes === undefined
      ? undefined
      : { type: bytes.toString('latin1', 0, 1), bytes, body: bytes.subarray(HEADER_BYTES) };
  }

  /** `typeBytes` before the length field. */
  #take(typeBytes: number): Buffer | undefined {
    if (this.#length < typeBytes + 4) return undefined;
    const header = this.#head(typeBytes + 4);
    const size = typeBytes + header.readInt32BE(typeBytes);
    if (size < typeBytes + 4)
      throw new FrameError(`a message of ${size - typeBytes} bytes is shorter than its length field`);
    if (size > this.#limit) throw new FrameError(`a message of ${size} bytes is longer than ${this.#limit}`);
    if (this.#length < size) return undefined;
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
    this.#chunks = all.length > size ? [all.subarray(size)] : [];
    this.#length -= size;
    return all.subarray(0, size);
  }

  /** At least `bytes` bytes, without joining a long message again and again while it arrives. */
  #head(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= bytes) return first;
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }
}
