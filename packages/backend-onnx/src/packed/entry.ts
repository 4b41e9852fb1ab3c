import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { PackedGraph } from '../graph-options.js';
import { GRAPH_FILE, identityOf, WEIGHTS_FILE } from './files.js';

const ENTRY_FILE = 'entry.json';
const FILES = [GRAPH_FILE, WEIGHTS_FILE] as const;
const CHUNK_BYTES = 1 << 20;

const fileSchema = z.object({ bytes: z.number(), crc32: z.number() });
const entrySchema = z.object({
  /** The graph of the model folder that it was made from. */
  source: z.enum(['fast', 'unsigned']),
  files: z.object({ [GRAPH_FILE]: fileSchema, [WEIGHTS_FILE]: fileSchema }),
});

/** Makes a folder with a graph and its weights an entry. */
export async function writeEntry(folder: string, source: PackedGraph['source']): Promise<void> {
  const [graph, weights] = await Promise.all(FILES.map((name) => digestOf(join(folder, name))));
  const entry = { source, files: { [GRAPH_FILE]: graph, [WEIGHTS_FILE]: weights } };
  await writeFile(join(folder, ENTRY_FILE), JSON.stringify(entrySchema.parse(entry)), { mode: 0o600 });
}

/**
 * Reads every byte. @throws Error saying what is wrong, with the code ENOENT where there is no entry.
 */
export async function readEntry(folder: string): Promise<PackedGraph> {
  const { source, files } = entrySchema.parse(JSON.parse(await readFile(join(folder, ENTRY_FILE), 'utf8')));
  const path = join(folder, GRAPH_FILE);
  const identity = await identityOf(path);
  for (const name of FILES) {
    const [expected, actual] = [files[name], await digestOf(join(folder, name))];
    if (actual.bytes !== expected.bytes)
      throw new Error(`${name} has ${actual.bytes} bytes, it was written with ${expected.bytes}`);
    if (actual.crc32 !== expected.crc32) throw new Error(`the bytes of ${name} are not those that were written`);
  }
  if ((await identityOf(path)) !== identity) throw new Error('its files changed while they were read');
  return { path, source, identity };
}

/** CRC-32 finds what disks and broken copies do to a file; that nobody else writes there is checked apart. */
async function digestOf(path: string): Promise<z.infer<typeof fileSchema>> {
  const file = await open(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let [bytes, crc] = [0, 0];
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return { bytes, crc32: crc };
      bytes += bytesRead;
      crc = crc32(chunk.subarray(0, bytesRead), crc);
    }
  } finally {
    await file.close();
  }
}
