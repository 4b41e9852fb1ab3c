import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { ServedVariant } from '@kimera/fast-graph';
import { z } from 'zod';
import { SESSION } from '../graph-options.js';

/** Rises where what an entry holds has another form. */
const FORMAT = 1;

/** Names what packed weights depend on: the folder's files, the runtime with its options, and the processor. */
export async function packedKey({ folder, variant }: ServedVariant): Promise<string> {
  const names = Object.keys(folder.file.files).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder.path, name));
      return [name, folder.file.files[name]?.sha256, size, mtimeMs];
    }),
  );
  const content = {
    format: FORMAT,
    space: folder.space.fingerprint,
    variant: [variant.name, variant.graphs],
    files,
    runtime: runtimeVersion(),
    options: SESSION,
    processor: await processor(),
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
}

function runtimeVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('onnxruntime-node/package.json');
  return z.object({ version: z.string() }).parse(manifest).version;
}

/** Kernels are chosen by what the processor can do, and each has its own form of packed weights. */
async function processor(): Promise<readonly string[]> {
  const known = /^(model name|flags|Features|CPU (implementer|architecture|variant|part))\s*:.*$/gm;
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const lines = [...new Set(text.match(known) ?? [])].sort();
  return [
    process.platform,
    process.arch,
    ...(lines.length > 0
      ? lines
      : cpus()
          .map(({ model }) => model)
          .slice(0, 1)),
  ];
}
