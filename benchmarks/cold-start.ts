/**
 * How long is it from the start of a process to its first vector, and how much private memory do one and two sessions take?
 *   npm run bench:cold-start -- FOLDER [--variant fp32,int8] [--workers 1,2] [--rounds 3]
 * Each figure is of new processes, with the folder's files in the page cache (an unmeasured round reads them first).
 * Private is what no other process shares (USS), after some texts of eight words.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { VARIANTS } from '@kimera/core';
import { machineLines, percentile, table } from './machine.js';
import { PeerProcess } from './side-by-side/peer-process.js';
import { usageOf } from './side-by-side/process-usage.js';

interface Measured {
  readonly openSeconds: number;
  readonly firstVectorSeconds: number;
  /** MB of 10⁶ bytes. */
  readonly privateMegabytes: number;
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

async function measure(variant: string, workers: number): Promise<Measured> {
  const script = fileURLToPath(new URL('peers/encode-kimera.mjs', import.meta.url));
  const started = performance.now();
  const { peer, loadSeconds } = await PeerProcess.open({
    program: process.execPath,
    words: [script, JSON.stringify({ model: folder, variant, workers })],
  });
  try {
    await peer.alone(texts(1));
    const firstVectorSeconds = (performance.now() - started) / 1_000;
    await peer.bulk(texts(64));
    const { privateBytes = Number.NaN, proportionalBytes = Number.NaN } = usageOf(peer.pid) ?? {};
    return {
      openSeconds: loadSeconds,
      firstVectorSeconds,
      privateMegabytes: privateBytes / 1e6,
      proportionalMegabytes: proportionalBytes / 1e6,
    };
  } finally {
    await peer.close();
  }
}

const rows: (readonly string[])[] = [];
for (const variant of variants)
  for (const workers of workerCounts) {
    await measure(variant, workers);
    const rounds: Measured[] = [];
    for (let round = 0; round < Number(values.rounds); round++) rounds.push(await measure(variant, workers));
    const middle = (value: (measured: Measured) => number): number => percentile(rounds.map(value), 0.5);
    rows.push([
      variant,
      String(workers),
      middle(({ openSeconds }) => openSeconds).toFixed(2),
      middle(({ firstVectorSeconds }) => firstVectorSeconds).toFixed(2),
      middle(({ privateMegabytes }) => privateMegabytes).toFixed(0),
      middle(({ proportionalMegabytes }) => proportionalMegabytes).toFixed(0),
    ]);
  }
console.log(
  `# Cold start and memory of sessions\n\n${machineLines().join('\n')}\n\n${table(
    ['variant', 'workers', 'ready after, s', 'first vector after, s', 'private MB', 'PSS MB'],
    rows,
  )}`,
);
