/**
 * How many tokens of equal texts should a run have? A bare session computes 4,096 tokens in runs of each length, in turns.
 *   npm run bench:run-length -- [GRAPH …] [--tokens 11,75] [--threads 1,2] [--rounds 5]
 * GRAPH is a fast graph, default: that of all-MiniLM-L6-v2 in full precision. Thousand tokens/s: median.
 */
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import type { InferenceSession as Session } from 'onnxruntime-node';
import { fastGraphFeeds, openSession } from './bare-session.js';
import { machineLines, percentile, root, table } from './machine.js';

const RUN_TOKENS = [160, 320, 512, 768, 1_280, 4_096];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tokens: { type: 'string', default: '11,75' },
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '5' },
  },
});
const graphs = positionals.length > 0 ? positionals : [join(root, 'models/all-MiniLM-L6-v2/onnx/model_fast.onnx')];
const numbers = (list: string): readonly number[] => list.split(',').map(Number);

const rows: (readonly (string | number)[])[] = [];
for (const graph of graphs)
  for (const threads of numbers(values.threads)) {
    const session = await openSession(graph, threads, { spin_duration_us: '20' });
    for (const tokens of numbers(values.tokens))
      rows.push([relative(root, graph), threads, tokens, ...(await measured(session, tokens))]);
    await session.release();
  }
console.log(
  [...machineLines(), '', table(['graph', 'threads', 'tokens a text', ...RUN_TOKENS.map(String)], rows)].join('\n'),
);

/** Of each length of a run, thousand tokens/s. */
async function measured(session: Session, tokens: number): Promise<readonly string[]> {
  const speeds = new Map<number, number[]>(RUN_TOKENS.map((length) => [length, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [length, all] of speeds) {
      const texts = Math.floor(length / tokens);
      const ids = Array.from({ length: texts * tokens }, (_, i) => 1_000 + 17 * (i % tokens));
      const runs = Math.max(1, Math.round(4_096 / length));
      await session.run(fastGraphFeeds(ids, texts, tokens), ['dense']);
      const started = performance.now();
      for (let run = 0; run < runs; run++) await session.run(fastGraphFeeds(ids, texts, tokens), ['dense']);
      all.push((runs * ids.length) / (performance.now() - started));
    }
  return [...speeds.values()].map((all) => percentile(all, 0.5).toFixed(1));
}
