/**
 * How long is it from the start of a process to its first vector, and how much private memory do one and two sessions take,
 * with packed weights and without?
 *   npm run bench:cold-start -- FOLDER [--variant fp32,int8] [--workers 1,2] [--rounds 3]
 * Each figure is of new processes, with the folder's files in the page cache (an unmeasured round reads them first).
 * Private is what no other process shares (USS), after some texts of eight words; dirty is the part of it that is no copy
 * of a file, which no other process could share. Another process with packed weights is open meanwhile, as a second
 * server is.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { VARIANTS, type VariantName } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { machineLines, percentile, table } from './machine.js';
import { PeerProcess } from './side-by-side/peer-process.js';
import { usageOf } from './side-by-side/process-usage.js';

interface Measured {
  readonly openSeconds: number;
  readonly firstVectorSeconds: number;
  /** MB of 10⁶ bytes. */
  readonly privateMegabytes: number;
  readonly dirtyMegabytes: number;
  readonly proportionalMegabytes: number;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    variant: { type: 'string', default: 'fp32,int8' },
    workers: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '3' },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('give a model folder');
const variants = z.array(z.enum(VARIANTS)).parse(values.variant.split(','));
const workerCounts = z.array(z.coerce.number().int().min(1)).parse(values.workers.split(','));
const texts = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `text ${i} of eight words for the session`);

const script = fileURLToPath(new URL('peers/encode-kimera.mjs', import.meta.url));
const cache = await mkdtemp(join(tmpdir(), 'kimera-cold-start-'));

async function measure(variant: string, workers: number, isPacked: boolean): Promise<Measured> {
  const started = performance.now();
  const { peer, loadSeconds } = await PeerProcess.open({
    program: process.execPath,
    words: [script, JSON.stringify({ model: folder, variant, workers, ...(isPacked ? { cache } : {}) })],
  });
  try {
    await peer.alone(texts(1));
    const firstVectorSeconds = (performance.now() - started) / 1_000;
    await peer.bulk(texts(64));
    const {
      privateBytes = Number.NaN,
      dirtyBytes = Number.NaN,
      proportionalBytes = Number.NaN,
    } = usageOf(peer.pid) ?? {};
    return {
      openSeconds: loadSeconds,
      firstVectorSeconds,
      privateMegabytes: privateBytes / 1e6,
      dirtyMegabytes: dirtyBytes / 1e6,
      proportionalMegabytes: proportionalBytes / 1e6,
    };
  } finally {
    await peer.close();
  }
}

/** Writes the packed weights, and keeps a process open that shares them. */
async function openAnother(modelPath: string, variant: VariantName): Promise<PeerProcess> {
  const modelFolder = await openModelFolder(modelPath);
  // A backend that does nothing lets the process end.
  const awake = setInterval(() => undefined, 1_000);
  await new Promise<void>((resolve, reject) => {
    const opened = openOnnxBackend({
      folder: modelFolder,
      variant,
      packedWeights: {
        cache,
        afterMilliseconds: 0,
        onEvent: (event) => {
          if (event.kind === 'written') void opened.then((backend) => backend.close()).then(resolve, reject);
          else reject(new Error(JSON.stringify(event)));
        },
      },
    });
    opened.catch(reject);
  });
  clearInterval(awake);
  const { peer } = await PeerProcess.open({
    program: process.execPath,
    words: [script, JSON.stringify({ model: modelPath, variant, workers: 1, cache })],
  });
  await peer.bulk(texts(64));
  return peer;
}

const rows: (readonly string[])[] = [];
for (const variant of variants) {
  const another = await openAnother(folder, variant);
  const cases = workerCounts.flatMap((workers) => [false, true].map((isPacked) => ({ workers, isPacked })));
  const measured = cases.map((): Measured[] => []);
  // In turns, after a round that only reads the files.
  for (let round = -1; round < Number(values.rounds); round++)
    for (const [i, { workers, isPacked }] of cases.entries()) {
      const one = await measure(variant, workers, isPacked);
      if (round >= 0) measured[i]?.push(one);
    }
  await another.close();
  for (const [i, { workers, isPacked }] of cases.entries()) {
    const middle = (value: (one: Measured) => number): number => percentile((measured[i] ?? []).map(value), 0.5);
    rows.push([
      variant,
      String(workers),
      isPacked ? 'yes' : 'no',
      middle(({ openSeconds }) => openSeconds).toFixed(2),
      middle(({ firstVectorSeconds }) => firstVectorSeconds).toFixed(2),
      middle(({ privateMegabytes }) => privateMegabytes).toFixed(0),
      middle(({ dirtyMegabytes }) => dirtyMegabytes).toFixed(0),
      middle(({ proportionalMegabytes }) => proportionalMegabytes).toFixed(0),
    ]);
  }
}
await rm(cache, { recursive: true });
console.log(
  `# Cold start and memory of sessions\n\n${machineLines().join('\n')}\n\n${table(
    [
      'variant',
      'workers',
      'packed weights',
      'ready after, s',
      'first vector after, s',
      'private MB',
      'dirty MB',
      'PSS MB',
    ],
    rows,
  )}`,
);
