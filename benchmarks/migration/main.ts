/**
 * What a backfill gets out of the machine, and what it costs those who search meanwhile. On a PostgreSQL server, the
 * database of an application with rows of sentences in five languages, by default from MiniLM to e5:
 *
 * - rows a second of 1, 2 and 4 processes of `kimera migrate work`, as a share of the embedder alone on the same texts;
 * - times of searches by text through `kimera serve` with nothing else, and beside 1 and 4 of these processes, which run
 *   at low priority and with `--cpu`, so that together they take as much as one that works all the time with one thread.
 *
 * Everything is measured in turns, on a copy of the same database each time:
 *
 *     npm run bench:migration -- --database postgres://… [--part speed|searches] [--rows 3000] [--rounds 3] [--seconds 20]
 *                                [--rate 10] [--from DIR --to DIR]
 *
 * The address is of a server on which databases may be made; they are dropped at the end.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openModelAt, parseConfiguration } from '@kimera/serving';
import { readCorpus } from '../../apps/migration-tests/src/corpus.js';
import { machineLines, percentile, root, table } from '../machine.js';
import { PreparedDatabase } from './prepared-database.js';
import { queryTimes, type QueryTimes } from './queries.js';
import { backfillSpeed, encoderSpeed } from './throughput.js';
import { threadsOf } from './workers.js';

const PROCESSES = [1, 2, 4];
const BESIDE = [0, 1, 4];
/** Of the project's own: searches take at most so many times as long beside a backfill, at their p95. */
const MOST = 2;

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: '' },
    part: { type: 'string' },
    rows: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '10' },
    from: { type: 'string', default: join(root, 'models/all-MiniLM-L6-v2') },
    to: { type: 'string', default: join(root, 'models/multilingual-e5-small') },
  },
});
const [rows = 0, rounds = 0, seconds = 0, rate = 0] = [values.rows, values.rounds, values.seconds, values.rate].map(
  Number,
);
const models = [values.from, values.to] as const;
const silent = { warn: () => undefined, error: () => undefined, info: () => undefined };
const open = (folder: string) => openModelAt(folder, parseConfiguration({ EMBEDDING_CACHE_MB: '0' }, root), silent);
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

const { sentences } = await readCorpus(join(root, 'fixtures/xquad-r'));
// Spread over the languages; past all of them again, with a number.
const texts = Array.from({ length: rows }, (_, i) => {
  const place = (i * 1_009) % sentences.length;
  return `${sentences[place]?.text ?? ''}${i < sentences.length ? '' : ` ${i}`}`;
});
const [source, target] = [await open(models[0]), await open(models[1])];
progress(`${rows} rows are embedded with ${source.space.modelId}`);
const prepared = await PreparedDatabase.make(values.database, texts, source, target);
try {
  const lines = [
    '# A backfill and the machine it runs on',
    '',
    ...machineLines(),
    `- database: ${await prepared.version()}, on the same machine`,
    `- ${rows} sentences in five languages, ${source.space.modelId} → ${target.space.modelId}; ${rounds} rounds`,
  ];
  const speed = values.part === 'searches' ? [] : await measureSpeed();
  // What follows has the machine for itself.
  await Promise.all([source.close(), target.close()]);
  console.log([...lines, ...speed, ...(values.part === 'speed' ? [] : await measureSearches())].join('\n'));
} finally {
  await prepared.drop();
}

async function measureSpeed(): Promise<readonly string[]> {
  const alone: number[] = [];
  const together = PROCESSES.map((): number[] => []);
  await target.encodeBatch(texts.slice(0, 100), { role: 'document', lane: 'bulk' });
  for (let round = 0; round < rounds; round++) {
    alone.push(await encoderSpeed(target, texts));
    progress(`round ${round + 1}: the embedder alone ${alone.at(-1)?.toFixed(1)} rows/s`);
    for (const [i, count] of PROCESSES.entries()) {
      together[i]?.push(await backfillSpeed(prepared, { count, models }));
      progress(`round ${round + 1}: ${count} processes ${together[i]?.at(-1)?.toFixed(1)} rows/s`);
    }
  }
  const line = (name: string, speeds: readonly number[]): readonly string[] => [
    name,
    percentile(speeds, 0.5).toFixed(1),
    speeds.map((each) => each.toFixed(1)).join(', '),
    (percentile(speeds, 0.5) / percentile(alone, 0.5)).toFixed(2),
  ];
  return [
    '',
    '## Speed',
    '',
    table(
      ['rows a second', 'median', 'each round', '÷ the embedder alone'],
      [
        line('the embedder alone, every processor', alone),
        ...PROCESSES.map((count, i) =>
          line(
            `${count} ${count === 1 ? 'process' : 'processes'} of \`migrate work\`, --threads ${threadsOf(count)}`,
            together[i] ?? [],
          ),
        ),
      ],
    ),
  ];
}

async function measureSearches(): Promise<readonly string[]> {
  const measured = BESIDE.map((): QueryTimes[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, count] of BESIDE.entries()) {
      const each = await queryTimes(prepared, { count, models, seconds, rate, cpu: cpuOf(count) });
      measured[i]?.push(each);
      progress(`round ${round + 1}: beside ${count} processes p95 ${percentile(each.times, 0.95).toFixed(1)} ms`);
    }
  const p95 = measured.map((each) =>
    percentile(
      each.flatMap(({ times }) => times),
      0.95,
    ),
  );
  const ratios = p95.map((value) => value / (p95[0] ?? 0));
  const holds = ratios.every((ratio) => ratio <= MOST);
  process.exitCode = holds ? 0 : 1;
  return [
    '',
    '## Searches by text meanwhile',
    '',
    `${rate} a second for ${seconds} s in each round, through \`kimera serve\`; from when a search is due to its answer.`,
    '',
    table(
      ['beside', 'searches', 'p50, ms', 'p95, ms', 'max, ms', 'p95 ÷ idle', 'rows a second'],
      BESIDE.map((count, i) => {
        const times = (measured[i] ?? []).flatMap((each) => each.times);
        const speeds = (measured[i] ?? []).map(({ rowsPerSecond }) => rowsPerSecond);
        return [
          count === 0 ? 'nothing' : `${count} × \`--threads ${threadsOf(count)} --cpu ${cpuOf(count)}\``,
          times.length,
          percentile(times, 0.5).toFixed(1),
          percentile(times, 0.95).toFixed(1),
          Math.max(...times).toFixed(1),
          (ratios[i] ?? 0).toFixed(2),
          count === 0 ? '' : percentile(speeds, 0.5).toFixed(1),
        ];
      }),
    ),
    '',
    `${holds ? 'Holds' : 'MISSED'}: at most ${MOST} × the p95 of an idle server.`,
  ];
}

/** Percent of its time for each: all together as much as one thread that never rests. */
function cpuOf(count: number): number {
  return count === 0 ? 100 : Math.floor(100 / (count * threadsOf(count)));
}
