/**
 * How fast is the embedder on this machine, with both shipped models? Texts of three lengths in one bulk call (texts/s,
 * tokens/s), single texts one after another (p50, p95), the same singles while bulk work runs beside them, and the peak
 * memory of the process. Each model runs in a process of its own, so that memory is that model's alone.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder } from '@kimera/embedder';
import { z } from 'zod';
import { machineLines, percentile, root, table } from './machine.js';

const MODELS = ['all-MiniLM-L6-v2', 'multilingual-e5-small'];
/** Words of a text: a query, a sentence, a passage that fills MiniLM. */
const KINDS = [
  ['16 words', 16, 384],
  ['64 words', 64, 128],
  ['240 words', 240, 32],
] as const;
const SINGLES = 60;
const WORDS =
  'the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their we him'.split(
    ' ',
  );

/** What the process of one model prints. */
const rowsSchema = z.array(z.array(z.union([z.string(), z.number()])));
type Row = z.infer<typeof rowsSchema>[number];
const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
const texts = (count: number, words: number): string[] =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: words }, (_unused, j) => WORDS[(i * 7 + j * 3 + ((i * j) % 5)) % WORDS.length]).join(' '),
  );

async function measure(name: string): Promise<readonly Row[]> {
  const embedder = await openEmbedder({
    modelPath: join(root, 'models', name),
    backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
  });
  await embedder.encodeBatch(texts(32, 16));
  const rows: Row[] = [];
  const singles = async (): Promise<readonly number[]> => {
    const times: number[] = [];
    for (const text of texts(SINGLES, 16)) {
      const started = performance.now();
      await embedder.encodeText(text);
      times.push(performance.now() - started);
    }
    return times;
  };
  const alone = await singles();
  for (const [kind, words, count] of KINDS) {
    const started = performance.now();
    const embeddings = await embedder.encodeBatch(texts(count, words), { lane: 'bulk' });
    const seconds = (performance.now() - started) / 1000;
    const tokens = embeddings.reduce((sum, embedding) => sum + embedding.tokens, 0);
    rows.push([name, `${count} texts of ${kind}`, (count / seconds).toFixed(1), (tokens / seconds).toFixed(0), '', '']);
  }
  const bulk = embedder.encodeBatch(texts(192, 64), { lane: 'bulk' });
  const beside: number[] = [];
  const state = { done: false };
  void bulk.then(() => (state.done = true));
  for (const text of texts(SINGLES, 16)) {
    if (state.done) break;
    const started = performance.now();
    await embedder.encodeText(text);
    beside.push(performance.now() - started);
  }
  await bulk;
  await embedder.close();
  for (const [what, times] of [
    ['one text of 16 words', alone],
    ['the same beside bulk work', beside],
  ] as const)
    rows.push([name, what, '', '', percentile(times, 0.5).toFixed(1), percentile(times, 0.95).toFixed(1)]);
  rows.push([name, `peak memory ${megabytes(process.resourceUsage().maxRSS * 1024)} MB`, '', '', '', '']);
  return rows;
}

const [, , model] = process.argv;
if (model !== undefined) console.log(JSON.stringify(await measure(model)));
else {
  const rows = MODELS.flatMap((name): readonly Row[] =>
    rowsSchema.parse(
      JSON.parse(
        execFileSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), name], {
          cwd: root,
          encoding: 'utf8',
        }),
      ),
    ),
  );
  console.log(
    `# Throughput and latency of the embedder\n\n${machineLines().join('\n')}\n\n${table(['model', 'what', 'texts/s', 'tokens/s', 'p50, ms', 'p95, ms'], rows)}`,
  );
}
