import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fuzzOnce, fuzzSeeds, random } from './fuzz.fixture.js';

/**
 * Mutated files through all readers of weights: each is read or refused; nothing else is thrown, nothing hangs, memory
 * stays bounded.
 * `npm run fuzz -w @kimera/torch-file -- [FILES] [SEED]`
 */
const [files = '10000', seed = '1'] = process.argv.slice(2);
const scratch = await mkdtemp(join(tmpdir(), 'kimera-fuzz-'));
const seeds = await fuzzSeeds();
const next = random(Number(seed));
const outcomes = new Map<string, number>();
let slowest = 0;
let memory = 0;
try {
  for (let i = 0; i < Number(files); i++) {
    const file = seeds[next(seeds.length)];
    if (file === undefined) throw new Error('no files to start from');
    const started = performance.now();
    const outcome = await fuzzOnce(file, scratch, next).catch((error: unknown) => {
      throw new Error(`file ${i} (${file.name}) of seed ${seed}`, { cause: error });
    });
    slowest = Math.max(slowest, performance.now() - started);
    memory = Math.max(memory, process.memoryUsage().rss);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  for (const [outcome, count] of [...outcomes].sort(([, a], [, b]) => b - a))
    process.stdout.write(`${String(count).padStart(7)} ${outcome}\n`);
  process.stdout.write(
    `${files} files, seed ${seed}: no crash; slowest ${slowest.toFixed(0)} ms, memory ${(memory / 2 ** 20).toFixed(0)} MB\n`,
  );
} finally {
  await rm(scratch, { recursive: true, force: true });
}
