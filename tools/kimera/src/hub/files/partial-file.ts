import { mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { z } from 'zod';

const noteSchema = z.strictObject({ key: z.string(), etag: z.string().nullable() });

/** The first bytes of a file that is being fetched; it outlives the process. */
export class PartialFile {
  #bytes = 0;
  #etag: string | null = null;
  #handle: FileHandle | undefined;

  private constructor(
    readonly path: string,
    private readonly notePath: string,
    private readonly key: string,
  ) {}

  /**
   * What an earlier pull left under `folder`, where it belongs to the same content, else nothing. @param key names the
   * content.
   */
  static async open(folder: string, name: string, key: string): Promise<PartialFile> {
    const path = join(folder, `${name}.partial`);
    const partial = new PartialFile(path, `${path}.json`, key);
    await mkdir(dirname(path), { recursive: true });
    const note = noteSchema.safeParse(
      parseJson((await ifPresent(() => readFile(partial.notePath, 'utf8'))) ?? ''),
    ).data;
    if (note?.key !== key) await partial.#remove();
    else partial.#etag = note.etag;
    partial.#handle = await open(path, 'a');
    partial.#bytes = (await partial.#handle.stat()).size;
    return partial;
  }

  get bytes(): number {
    return this.#bytes;
  }
  /** A strong validator of the server that sent the bytes, or null where it has none. */
  get etag(): string | null {
    return this.#etag;
  }

  /** Forgets the bytes. @param etag of the server that sends them anew. */
  async restart(etag: string | null): Promise<void> {
    await this.#opened().truncate(0);
    this.#bytes = 0;
    // W/ marks a validator that does not promise equal bytes (RFC 9110, 8.8.1).
    this.#etag = etag !== null && /^"[^"]*"$/.test(etag) ? etag : null;
    await writeFile(this.notePath, `${JSON.stringify({ key: this.key, etag: this.#etag })}\n`);
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#opened().writeFile(chunk);
    this.#bytes += chunk.length;
  }

  /** Puts the file in its place, on the disk and under its name. */
  async moveTo(path: string): Promise<void> {
    await this.#opened().sync();
    await this.close();
    await mkdir(dirname(path), { recursive: true });
    await rename(this.path, path);
    await rm(this.notePath, { force: true });
  }

  async discard(): Promise<void> {
    await this.close();
    await this.#remove();
  }

  /** Idempotent; the bytes stay. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #remove(): Promise<void> {
    for (const path of [this.path, this.notePath]) await rm(path, { force: true });
  }

  #opened(): FileHandle {
    if (this.#handle === undefined) throw new Error(`${this.path} is closed`);
    return this.#handle;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
