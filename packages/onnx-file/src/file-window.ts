import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const WINDOW_BYTES = 65_536;

/** Random access to a file of any size through one small buffer: what is skipped is not read. */
export class FileWindow {
  readonly size: number;
  readonly #file: number;
  readonly #buffer = Buffer.alloc(WINDOW_BYTES);
  #start = 0;
  #end = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    this.size = fstatSync(this.#file).size;
  }

  /** -1 past the end. */
  byteAt(position: number): number {
    if (position < this.#start || position >= this.#end) {
      this.#start = position;
      this.#end = position + readSync(this.#file, this.#buffer, 0, WINDOW_BYTES, position);
      if (position >= this.#end) return -1;
    }
    return this.#buffer[position - this.#start] ?? -1;
  }

  /** Shorter where the file ends. */
  read(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(this.#file, bytes, 0, length, position));
  }

  close(): void {
    closeSync(this.#file);
  }
}
