/**
 * How long does the conversion of a checkpoint of bge-m3's size take, and how much memory? A checkpoint of random
 * weights is written first, with the record of its hashes that `models pull` leaves (2.3 GB; two copies of it are made
 * meanwhile, in `--scratch DIR`, by default the system's temporary folder), then converted with the weights linked and
 * copied, and, with `--python BIN` of an environment that has optimum and optimum-onnx
 * (benchmarks/peers/portable-graph.md), exported by Optimum. Peak memory is sampled every 20 ms from /proc: private
 * (RssAnon) and resident (VmHWM, mapped files included).
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileSha256 } from '@kimera/model-folder';
import { machineLines, root, table } from './machine.js';

const {
  values: { python, scratch: parent = tmpdir(), layers = '24' },
} = parseArgs({ options: { python: { type: 'string' }, scratch: { type: 'string' }, layers: { type: 'string' } } });

interface Measured {
  readonly seconds: number;
  /** MB. */
  readonly privateMemory: number;
  readonly residentMemory: number;
}

async function measure(command: string, args: readonly string[]): Promise<Measured> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let [privateMemory, residentMemory] = [0, 0];
  const sample = (): void => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      privateMemory = Math.max(privateMemory, kilobytes('RssAnon') / 1024);
      residentMemory = Math.max(residentMemory, kilobytes('VmHWM') / 1024);
    } catch {
      // It has ended.
    }
  };
  const timer = setInterval(sample, 20);
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return { seconds: (performance.now() - started) / 1000, privateMemory, residentMemory };
}

const kimera = (...args: readonly string[]): Promise<Measured> =>
  measure(process.execPath, [join(root, 'tools/kimera/bin/kimera.mjs'), 'models', ...args]);

/** Leaves the checkpoint as `models pull` does, which has hashed every file while it came in. */
async function recordHashes(folder: string): Promise<void> {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
  const files: Record<string, { readonly bytes: number; readonly sha256: string }> = {};
  for (const name of names)
    files[name] = { bytes: (await stat(join(folder, name))).size, sha256: await fileSha256(join(folder, name)) };
  await writeFile(
    join(folder, 'pulled.json'),
    JSON.stringify({ id: 'synthetic/bge-m3', commit: '0'.repeat(40), files }),
  );
}

const scratch = await mkdtemp(join(parent, 'kimera-full-size-'));
try {
  const checkpoint = join(scratch, 'checkpoint');
  await kimera('synthesize', '--like', 'bge-m3', '--layers', layers, '--out', checkpoint);
  await recordHashes(checkpoint);
  const runs: (readonly [string, () => Promise<Measured>])[] = [
    ['Kimera, weights linked', () => kimera('convert', checkpoint, '--out', join(scratch, 'linked'), '--link')],
    ['Kimera, weights copied', () => kimera('convert', checkpoint, '--out', join(scratch, 'copied'))],
    ...(python === undefined
      ? []
      : [
          [
            'Optimum',
            () =>
              measure(python, [
                join(root, 'benchmarks/peers/convert-optimum.py'),
                checkpoint,
                join(scratch, 'optimum'),
              ]),
          ] as const,
        ]),
  ];
  const results: (readonly [string, Measured])[] = [];
  for (const [name, run] of runs) results.push([name, await run()]);
  const peer = results.find(([name]) => name === 'Optimum')?.[1];
  const ratio = (theirs: number | undefined, ours: number): string =>
    theirs === undefined ? '' : (theirs / ours).toFixed(1);
  console.log(`# Converting a checkpoint of bge-m3's size (${layers} layers)\n\n${machineLines().join('\n')}\n`);
  console.log(
    table(
      [
        'what',
        'seconds',
        'peak private MB',
        'peak resident MB',
        'Optimum’s time ÷',
        'Optimum’s private memory ÷',
        'Optimum’s resident memory ÷',
      ],
      results.map(([name, { seconds, privateMemory, residentMemory }]) => [
        name,
        seconds.toFixed(1),
        privateMemory.toFixed(0),
        residentMemory.toFixed(0),
        ratio(peer?.seconds, seconds),
        ratio(peer?.privateMemory, privateMemory),
        ratio(peer?.residentMemory, residentMemory),
      ]),
    ),
  );
} finally {
  await rm(scratch, { recursive: true, force: true });
}
