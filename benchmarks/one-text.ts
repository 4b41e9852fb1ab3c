/**
 * What does it cost that the threads of a session wait awake for the next operator, and what does it gain?
 *   npm run bench:one-text -- [GRAPH] [--tokens 11,75] [--busy 0,1,2] [--rounds 15]
 * GRAPH is a fast graph, default: that of all-MiniLM-L6-v2. Bare sessions run one text at a time, in turns, beside so
 * many processes that compute all the time. Milliseconds: median / mean.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { InferenceSession as Session } from 'onnxruntime-node';
import { fastGraphFeeds, openSession } from './bare-session.js';
import { machineLines, percentile, root, table } from './machine.js';

/** Microseconds that threads spin; 0: they sleep at once; 'default': as ONNX Runtime does where nothing is said. */
const SPINS = [0, 10, 20, 50, 'default'] as const;
/** Texts of a session's turn. */
const TURN = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tokens: { type: 'string', default: '11,75' },
    busy: { type: 'string', default: '0,1,2' },
    rounds: { type: 'string', default: '15' },
  },
});
const graph = positionals[0] ?? join(root, 'models/all-MiniLM-L6-v2/onnx/model_fast.onnx');
const numbers = (list: string): readonly number[] => list.split(',').map(Number);

const sessions: (readonly [string, Session])[] = [['one thread', await open(1, 0)]];
for (const spin of SPINS) sessions.push([spin === 0 ? 'sleeps' : `spins ${spin}`, await open(2, spin)]);

console.log([...machineLines(), `- graph: ${relative(root, graph)}`, ''].join('\n'));
const rows: (readonly (string | number)[])[] = [];
for (const busy of numbers(values.busy)) {
  const others = Array.from({ length: busy }, () => spawn(process.execPath, ['--eval', 'for (;;);']));
  try {
    await pause(500);
    for (const tokens of numbers(values.tokens)) rows.push([tokens, busy, ...(await measured(tokens))]);
  } finally {
    await Promise.all(others.map(end));
  }
}
console.log(table(['tokens', 'busy', ...sessions.map(([name]) => name)], rows));
await pause(100);
const before = process.cpuUsage();
await pause(2_000);
const { user, system } = process.cpuUsage(before);
console.log(`\nProcessor time of all sessions in two idle seconds: ${((user + system) / 1_000).toFixed(0)} ms`);
process.exit(0);

async function open(threads: number, spin: (typeof SPINS)[number]): Promise<Session> {
  if (spin === 0) return openSession(graph, threads, { allow_spinning: '0' });
  const duration = spin === 'default' ? {} : { spin_duration_us: String(spin) };
  return openSession(graph, threads, { allow_spinning: '1', ...duration });
}

/** Of each session: median / mean. */
async function measured(tokens: number): Promise<readonly string[]> {
  const times = new Map<string, number[]>(sessions.map(([name]) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [name, session] of sessions) {
      await run(session, tokens);
      for (let i = 0; i < TURN; i++) {
        const started = performance.now();
        await run(session, tokens);
        times.get(name)?.push(performance.now() - started);
      }
    }
  return [...times.values()].map((all) => {
    const mean = all.reduce((sum, time) => sum + time, 0) / all.length;
    return `${percentile(all, 0.5).toFixed(2)} / ${mean.toFixed(2)}`;
  });
}

async function run(session: Session, tokens: number): Promise<void> {
  const ids = Array.from({ length: tokens }, (_, place) => 1_000 + 17 * place);
  await session.run(fastGraphFeeds(ids, 1, tokens), ['dense']);
}

async function end(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}
