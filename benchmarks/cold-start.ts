/**
 * How long is it from the start of a process to its first vector, and how much private memory do one and two sessions take?
 *   npm run bench:cold-start -- FOLDER [--variant fp32,int8] [--workers 1,2] [--rounds 3]
 * Each figure is of a new process, with the folder's files in the page cache (an unmeasured round reads them first).
 * Private is what no other process shares (USS), after one text of eight words in every worker.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { VARIANTS } from '@kimera/core';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder } from '@kimera/embedder';
import { z } from 'zod';
import { machineLines, percentile, table } from './machine.js';
import { usageOf } from './side-by-side/process-usage.js';

const measuredSchema = z.object({
  openMilliseconds: z.number(),
  firstVectorMilliseconds: z.number(),
  privateBytes: z.number(),
  proportionalBytes: z.number(),
});
type Measured = z.infer<typeof measuredSchema>;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    variant: { type: 'string', default: 'fp32,int8' },
    workers: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '3' },
    child: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('give a model folder');
const variants = z.array(z.enum(VARIANTS)).parse(values.variant.split(','));
const workerCounts = z.array(z.coerce.number().int().min(1)).parse(values.workers.split(','));
if (values.child) console.log(JSON.stringify(await measure(folder, variants[0], workerCounts[0] ?? 1)));
else console.log(await report(folder));

/** In this process, which was started for it. */
async function measure(
  path: string,
  variant: (typeof variants)[number] | undefined,
  workers: number,
): Promise<Measured> {
  const embedder = await openEmbedder({
    modelPath: path,
    backends: [
      {
        name: 'onnx',
        open: (opened) => openOnnxBackend({ folder: opened, workers, ...(variant === undefined ? {} : { variant }) }),
      },
    ],
  });
  // Both count from the start of the process.
  const openMilliseconds = performance.now();
  await embedder.encodeText('a text of eight words for the session');
  const firstVectorMilliseconds = performance.now();
  await Promise.all(
    Array.from({ length: 4 * workers }, (_, i) => embedder.encodeText(`text ${i} of eight words here for one`)),
  );
  const usage = usageOf(process.pid);
  await embedder.close();
  return {
    openMilliseconds,
    firstVectorMilliseconds,
    privateBytes: usage?.privateBytes ?? Number.NaN,
    proportionalBytes: usage?.proportionalBytes ?? Number.NaN,
  };
}

async function measureApart(path: string, variant: string, workers: number): Promise<Measured> {
  const words = [fileURLToPath(import.meta.url), path, '--child', '--variant', variant, '--workers', String(workers)];
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', ...words]);
  return measuredSchema.parse(JSON.parse(stdout));
}

async function report(path: string): Promise<string> {
  const rows: (readonly string[])[] = [];
  for (const variant of variants)
    for (const workers of workerCounts) {
      await measureApart(path, variant, workers);
      const rounds: Measured[] = [];
      for (let round = 0; round < Number(values.rounds); round++)
        rounds.push(await measureApart(path, variant, workers));
      const middle = (value: (measured: Measured) => number): number => percentile(rounds.map(value), 0.5);
      rows.push([
        variant,
        String(workers),
        (middle(({ openMilliseconds }) => openMilliseconds) / 1_000).toFixed(2),
        (middle(({ firstVectorMilliseconds }) => firstVectorMilliseconds) / 1_000).toFixed(2),
        (middle(({ privateBytes }) => privateBytes) / 1e6).toFixed(0),
        (middle(({ proportionalBytes }) => proportionalBytes) / 1e6).toFixed(0),
      ]);
    }
  return `# Cold start and memory of sessions\n\n${machineLines().join('\n')}\n\n${table(
    ['variant', 'workers', 'open, s', 'first vector, s', 'private MB', 'PSS MB'],
    rows,
  )}`;
}
