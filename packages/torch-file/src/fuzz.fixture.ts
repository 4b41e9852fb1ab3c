import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KimeraError } from '@kimera/core';
import { elementCount } from '@kimera/safetensors';
import { openPositioned, openSharded, openSafetensors, type TensorSource } from '@kimera/tensor-file';
import { collectTensors } from './collect-tensors.js';
import { openTorch } from './open-torch.js';
import { Unpickler } from './unpickler.js';
import { readZipDirectory } from './zip-directory.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');

interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Reads the whole file. */
  readonly read: (path: string) => Promise<void>;
}

/** Well-formed and malformed files of each reader: what mutations start from. */
export async function fuzzSeeds(): Promise<readonly Seed[]> {
  const of = (folder: string, open: (path: string) => Promise<TensorSource>): readonly Seed[] =>
    readdirSync(join(root, 'fixtures', folder))
      .filter((name) => /\.(pt|bin|safetensors|json)$/.test(name) && name !== 'expected.json')
      .map((name) => ({
        name: join(folder, name),
        bytes: readFileSync(join(root, 'fixtures', folder, name)),
        read: (path) => readAll(open(path)),
      }));
  return [
    ...(await pickleSeeds()),
    ...of('torch-files', openTorch),
    ...of('safetensors-files', openSafetensors),
    ...of('hostile-checkpoints/torch', openTorch),
    ...of('hostile-checkpoints/safetensors', openSafetensors),
    ...of('hostile-checkpoints/index/sharded', (path) => openSharded(path, openSafetensors)).filter(({ name }) =>
      name.endsWith('.json'),
    ),
  ];
}

/** The pickles of zips alone: in the zip its checksum would refuse nearly every change before the pickle is read. */
async function pickleSeeds(): Promise<readonly Seed[]> {
  const seeds: Seed[] = [];
  for (const name of [
    'views.pt',
    'parameter.pt',
    'nested.pt',
    'names.pt',
    'protocol4.pt',
    'v3_dtypes.pt',
    'state_dict_metadata.pt',
  ]) {
    const file = await openPositioned(join(root, 'fixtures/torch-files', name));
    const record = [...(await readZipDirectory(file)).values()].find((candidate) =>
      candidate.name.endsWith('/data.pkl'),
    );
    if (record !== undefined) {
      const read = async (path: string): Promise<void> =>
        void collectTensors(path, new Unpickler(path, await readFile(path)).load());
      seeds.push({ name: join('pickles', name), bytes: await file.read(record.from, record.length), read });
    }
    await file.close();
  }
  // Repeated, so that there are about as many as of all other kinds together.
  return Array.from({ length: 20 }, () => seeds).flat();
}

async function readAll(opening: Promise<TensorSource>): Promise<void> {
  const source = await opening;
  try {
    for (const tensor of source.names)
      await source.bytes(tensor, { from: 0, count: elementCount(source.shape(tensor) ?? []) });
  } finally {
    await source.close();
  }
}

/** Marsaglia's xorshift32: the same mutations for the same seed. */
export function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Some bytes changed, cut, repeated or moved. */
export function mutate(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  let out = Uint8Array.from(bytes);
  for (let round = next(4); round >= 0; round--) {
    const at = next(out.length + 1);
    const length = 1 + next(12);
    const [head, tail] = [out.subarray(0, at), out.subarray(Math.min(out.length, at + length))];
    const kind = next(6);
    if (kind === 0) out = Uint8Array.from([...head, ...tail]);
    else if (kind === 1) out = Uint8Array.from(head);
    else if (kind === 2) out = Uint8Array.from([...head, ...out.subarray(at, at + length), ...out.subarray(at)]);
    else if (kind === 3) out.fill(next(2) * 255, at, at + length);
    else for (let i = at; i < Math.min(out.length, at + (kind === 4 ? 1 : length)); i++) out[i] = next(256);
  }
  return out;
}

/**
 * Opens one mutated file and reads all of it. @returns the code of the refusal, or `read`. @throws what is not a
 * refusal: a crash.
 */
export async function fuzzOnce(
  { name, bytes, read }: Seed,
  scratch: string,
  next: (below: number) => number,
): Promise<string> {
  const path = join(scratch, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, mutate(bytes, next));
  try {
    await read(path);
    return 'read';
  } catch (error) {
    if (error instanceof KimeraError) return error.code;
    throw error;
  }
}
