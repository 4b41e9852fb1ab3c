import { readCorpus } from './corpus.js';
import { openModel, ROOT } from './models.js';
import type { Speed } from './speed.js';

/**
 * A process of its own, so that the peak memory is this model's: `measure-model.ts MODEL_FOLDER TEXTS`. Prints one JSON
 * document.
 */
const [folder = '', count = '512'] = process.argv.slice(2);
const { sentences, questions } = await readCorpus(`${ROOT}/fixtures/xquad-r`);
const started = performance.now();
const embedder = await openModel(folder);
const loadSeconds = (performance.now() - started) / 1000;
const texts = sentences
  .filter((_, i) => i % Math.max(1, Math.floor(sentences.length / Number(count))) === 0)
  .slice(0, Number(count));
await embedder.encodeBatch(
  texts.slice(0, 32).map(({ text }) => text),
  { role: 'document' },
);

const batchStarted = performance.now();
const embeddings = await embedder.encodeBatch(
  texts.map(({ text }) => text),
  { role: 'document' },
);
const seconds = (performance.now() - batchStarted) / 1000;

const latencies: number[] = [];
for (const { text } of questions.slice(0, 200)) {
  const from = performance.now();
  await embedder.encodeText(text, { role: 'query' });
  latencies.push(performance.now() - from);
}
latencies.sort((a, b) => a - b);
const at = (share: number): number => latencies[Math.floor(share * latencies.length)] ?? 0;
const speed: Speed = {
  texts: texts.length,
  loadSeconds,
  textsPerSecond: texts.length / seconds,
  tokensPerSecond: embeddings.reduce((sum, { tokens }) => sum + tokens, 0) / seconds,
  p50Milliseconds: at(0.5),
  p95Milliseconds: at(0.95),
  // Linux counts kilobytes.
  peakMegabytes: process.resourceUsage().maxRSS / 1024,
};
await embedder.close();
process.stdout.write(`${JSON.stringify(speed)}\n`);
