import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reasonOf } from '@kimera/core';
import { z } from 'zod';
import { root } from '../machine.js';
import type { CellModel } from './cells.js';
import { MissingSystemError, OFFLINE } from './peer-process.js';
import type { Peers } from './peers.js';

const run = promisify(execFile);
const kimera = (...words: readonly string[]): ReturnType<typeof run> =>
  run(process.execPath, [join(root, 'tools/kimera/bin/kimera.mjs'), 'models', ...words], { maxBuffer: 1 << 26 });

/** A script of benchmarks/peers; gives what it prints. @throws MissingSystemError where it fails: then its system is missing. */
async function runPython(python: string, script: string, words: readonly string[]): Promise<string> {
  const path = fileURLToPath(new URL(`../peers/${script}`, import.meta.url));
  try {
    const environment = { ...process.env, ...OFFLINE };
    return (await run(python, [path, ...words], { env: environment, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const lines = reasonOf(error).trim().split('\n');
    throw new MissingSystemError(`${script} failed: ${lines.at(-1) ?? ''}`);
  }
}

const exportedSchema = z.object({ fp32: z.string(), int8: z.string(), kind: z.string() });

/** The forms in which the systems take the two models; made when they are first asked for, and kept in a folder. */
export class Models {
  readonly #made = new Map<string, Promise<string>>();

  /**
   * @param folder for what is made, several GB with the large model. @param minilm the checkpoint of
   * sentence-transformers/all-MiniLM-L6-v2.
   */
  constructor(
    private readonly folder: string,
    private readonly minilm: string,
  ) {}

  /** Cache folder of Kimera. */
  get packedWeights(): string {
    return join(this.folder, 'packed');
  }

  /** As Hugging Face has it. The large one must have been prepared. */
  checkpoint(model: CellModel): string {
    return model === 'minilm' ? this.minilm : join(this.folder, 'large-checkpoint');
  }

  /** Writes the large checkpoint, of bge-m3's size and with random weights, where a cell needs it. */
  async prepare(model: CellModel): Promise<string> {
    if (model === 'minilm') return this.minilm;
    return this.#once('large-checkpoint', async (out) => {
      await kimera('synthesize', '--like', 'bge-m3', '--format', 'safetensors', '--out', out);
    });
  }

  /** By this repository's converter as it is now, in float32 and 8 bits. */
  async converted(model: CellModel): Promise<string> {
    const source = await this.prepare(model);
    // Another converter writes another folder.
    const converter = await readFile(join(root, 'packages/converter/dist/index.js'));
    const state = createHash('sha256').update(converter).digest('hex').slice(0, 12);
    return this.#once(`${model}-kimera-${state}`, async (out) => {
      // Random weights lose more than real ones: what 8 bits cost there says nothing.
      const floor = model === 'large' ? ['--floor', '0,0'] : [];
      await kimera('convert', source, '--out', out, '--variants', 'fp32,int8', ...floor);
    });
  }

  /** MiniLM by the export of sentence-transformers itself, and its 8-bit file for this processor. */
  async exported(peers: Peers): Promise<{ readonly folder: string; readonly files: z.infer<typeof exportedSchema> }> {
    const folder = await this.#once('minilm-exported', async (out) => {
      const files = await runPython(peers.python('sentence-transformers'), 'export-onnx.py', [this.minilm, out]);
      await writeFile(join(out, 'exported.json'), files);
    });
    return { folder, files: exportedSchema.parse(JSON.parse(await readFile(join(folder, 'exported.json'), 'utf8'))) };
  }

  /** The same export in the layout that fastembed reads. */
  async forFastembed(peers: Peers): Promise<string> {
    const { folder, files } = await this.exported(peers);
    return this.#once('minilm-fastembed', async (out) => {
      await mkdir(out);
      await copyFile(join(folder, files.fp32), join(out, 'model.onnx'));
      for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'])
        await copyFile(join(this.minilm, name), join(out, name));
    });
  }

  /** As llama.cpp reads it. */
  gguf(peers: Peers, kind: 'f32' | 'q8_0'): Promise<string> {
    return this.#once(`minilm-${kind}.gguf`, async (out) => {
      await runPython(peers.python('gguf'), 'write-gguf.py', [this.minilm, out, kind]);
    });
  }

  /** A file or folder that is there whole or not at all. */
  #once(name: string, write: (out: string) => Promise<void>): Promise<string> {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const made = this.#make(join(this.folder, name), write);
    this.#made.set(name, made);
    return made;
  }

  async #make(path: string, write: (out: string) => Promise<void>): Promise<string> {
    if (existsSync(path)) return path;
    await mkdir(this.folder, { recursive: true });
    const partial = `${path}.partial`;
    await rm(partial, { recursive: true, force: true });
    await write(partial);
    await rename(partial, path);
    return path;
  }
}
