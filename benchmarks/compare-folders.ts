/**
 * How much faster is one model folder than another, converted from the same checkpoint, or one precision of a folder than
 * another (the folder twice, and `--variant fp32,int8`)? The native backend of each, one thread, in turns: `npm run
 * bench:compare-folders -- BEFORE AFTER [--variant NAME or NAME,NAME]`. Token ids are made up: the time does not depend on
 * them. Processor time, which other programs disturb less than the clock's.
 */
import { parseArgs } from 'node:util';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { maxAbsDifference, tokenBatch, VARIANTS, type Vector } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { machineLines, percentile, table } from './machine.js';

/** B texts of T tokens, and how often. */
const CASES = [
  [1, 11, 60],
  [32, 75, 9],
  [8, 250, 9],
] as const;
/** Ids from here on are of words in every vocabulary. */
const FIRST_WORD = 2_000;

const { positionals, values } = parseArgs({ allowPositionals: true, options: { variant: { type: 'string' } } });
if (positionals.length !== 2) throw new Error('give two model folders: the one before, and the one after');
const variants = (values.variant?.split(',') ?? []).map((word) => VARIANTS.find((name) => name === word));
const backends = await Promise.all(
  positionals.map(async (path, i) => {
    const variant = variants[i] ?? variants[0];
    return openOnnxBackend({
      folder: await openModelFolder(path),
      intraOpThreads: 1,
      ...(variant === undefined ? {} : { variant }),
    });
  }),
);
const rows: (string | number)[][] = [];
for (const [texts, tokens, rounds] of CASES) {
  const batch = tokenBatch(
    Array.from({ length: texts }, (_, text) =>
      Int32Array.from({ length: tokens }, (_unused, at) => FIRST_WORD + (((text * tokens + at) * 7_919) % 20_000)),
    ),
  );
  const times: number[][] = backends.map(() => []);
  const vectors: Vector[] = [];
  for (let round = 0; round < rounds; round++)
    for (const [i, backend] of backends.entries()) {
      const before = process.cpuUsage();
      const { dense = new Float32Array() } = await backend.run(batch, { heads: ['dense'] });
      const { user, system } = process.cpuUsage(before);
      times[i]?.push((user + system) / 1_000);
      vectors[i] = dense;
    }
  const [before = [], after = []] = times.map((list) => [0.25, 0.5, 0.75].map((share) => percentile(list, share)));
  const [a = new Float32Array(), b = new Float32Array()] = vectors;
  rows.push([
    `${texts} × ${tokens}`,
    before.map((ms) => ms.toFixed(1)).join(' / '),
    after.map((ms) => ms.toFixed(1)).join(' / '),
    ((before[1] ?? 0) / (after[1] ?? 1)).toFixed(3),
    maxAbsDifference(a, b).toExponential(1),
  ]);
}
await Promise.all(backends.map((backend) => backend.close()));
console.log(
  [
    ...machineLines(),
    '',
    table(['texts × tokens', 'before, ms (quartiles)', 'after, ms', '× as fast', 'largest difference'], rows),
  ].join('\n'),
);
