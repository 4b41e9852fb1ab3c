/**
 * What does the shipped static model lose against the transformer it was distilled from, and how fast is it? Spearman's
 * correlation on the STS benchmark (`--data DIR` with PhilipMay/stsb-multi-mt's files), nDCG@10 of finding the sentence
 * that answers a question (XQuAD-R, fixtures/), and texts a second, text in, vector out, all in one run. `--peer FILE`
 * is what benchmarks/peers/static-model2vec.py printed about model2vec's own distillation of the same teacher. Fails
 * where the static model is below the peer's English figures or less than fifty times as fast as the transformer.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStaticModel } from '@kimera/backend-light';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { cosine, dot } from '@kimera/core';
import { Embedder, openEmbedder } from '@kimera/embedder';
import { ndcg, rankByScore, spearman } from '@kimera/evaluation';
import { z } from 'zod';
import { machineLines, root, table } from './machine.js';
import { readSts } from './sts.js';

const LEAST_SPEEDUP = 50;
const ROUNDS = 5;
const peerSchema = z.object({
  library: z.string(),
  stsb: z.record(z.string(), z.number()),
  xquad: z.record(z.string(), z.number()),
  textsPerSecond: z.number(),
  bytes: z.number(),
});
const sentenceSchema = z.object({ id: z.string(), language: z.string(), text: z.string() });
const questionSchema = sentenceSchema.extend({ key: z.string(), answer: z.string() });

const {
  values: { data, peer: peerPath, model = 'models/static-minilm', teacher: teacherPath = 'models/all-MiniLM-L6-v2' },
} = parseArgs({
  options: {
    data: { type: 'string' },
    peer: { type: 'string' },
    model: { type: 'string' },
    teacher: { type: 'string' },
  },
});
if (data === undefined || peerPath === undefined)
  throw new Error('--data DIR (stsb-LANGUAGE-test.csv) and --peer FILE are needed');
const peer = peerSchema.parse(JSON.parse(await readFile(peerPath, 'utf8')));

async function readLines<T>(name: string, schema: z.ZodType<T>): Promise<readonly T[]> {
  return (await readFile(join(root, 'fixtures/xquad-r', name), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => schema.parse(JSON.parse(line)));
}
const sentences = await readLines('sentences.jsonl', sentenceSchema);
const questions = await readLines('questions.jsonl', questionSchema);

async function vectorsOf(embedder: Embedder, texts: readonly string[]): Promise<readonly Float32Array[]> {
  return (await embedder.encodeBatch(texts, { lane: 'bulk' })).map(({ dense = new Float32Array() }) => dense);
}

async function stsOf(embedder: Embedder, language: string): Promise<number> {
  const pairs = await readSts(String(data), language, 'test');
  const [first, second] = [
    await vectorsOf(
      embedder,
      pairs.map((pair) => pair.first),
    ),
    await vectorsOf(
      embedder,
      pairs.map((pair) => pair.second),
    ),
  ];
  return spearman(
    first.map((vector, i) => cosine(vector, second[i] ?? [])),
    pairs.map(({ score }) => score),
  );
}

/** Mean nDCG@10, `from` one language `to` the sentences of another; one sentence answers a question. */
async function retrievalOf(embedder: Embedder, from: string, to: string): Promise<number> {
  const candidates = sentences.filter(({ language }) => language === to);
  const answers = new Map(questions.filter(({ language }) => language === to).map(({ key, answer }) => [key, answer]));
  const asked = questions.filter(({ language }) => language === from);
  const rows = await vectorsOf(
    embedder,
    candidates.map(({ text }) => text),
  );
  const queries = await vectorsOf(
    embedder,
    asked.map(({ text }) => text),
  );
  const figures = asked.map(({ key }, i) =>
    ndcg(
      rankByScore(Object.fromEntries(candidates.map(({ id }, j) => [id, dot(queries[i] ?? [], rows[j] ?? [])]))),
      { [answers.get(key) ?? '']: 1 },
      10,
    ),
  );
  return figures.reduce((sum, value) => sum + value, 0) / figures.length;
}

/** Texts a second of the English sentences, the best of some rounds after one to warm up. */
async function speedOf(embedder: Embedder, rounds: number): Promise<number> {
  const texts = sentences.filter(({ language }) => language === 'en').map(({ text }) => text);
  await vectorsOf(embedder, texts.slice(0, 100));
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await vectorsOf(embedder, texts);
    best = Math.max(best, (texts.length * 1_000) / (performance.now() - started));
  }
  return best;
}

async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

const ours = new Embedder(await openStaticModel({ path: join(root, model) }));
const teacher = await openEmbedder({
  modelPath: join(root, teacherPath),
  backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
});
try {
  const rows: (readonly [string, number, number, number])[] = [];
  for (const [language, figure] of Object.entries(peer.stsb))
    rows.push([`STS-b ${language}, Spearman`, await stsOf(ours, language), figure, await stsOf(teacher, language)]);
  for (const [pair, figure] of Object.entries(peer.xquad)) {
    const [from = '', to = ''] = pair.split(' → ');
    rows.push([
      `XQuAD-R ${pair}, nDCG@10`,
      await retrievalOf(ours, from, to),
      figure,
      await retrievalOf(teacher, from, to),
    ]);
  }
  const speed: readonly [number, number] = [await speedOf(ours, ROUNDS), await speedOf(teacher, 1)];
  console.log(
    `# The static model against its teacher and model2vec\n\n${machineLines().join('\n')}\n- peer: ${peer.library}, distil with its defaults, inherited padding switched off\n`,
  );
  console.log(
    table(
      ['measure', 'ours', peer.library, 'teacher', 'ours / model2vec', 'ours / teacher'],
      [
        ...rows.map(([name, own, theirs, full]) => [
          name,
          own.toFixed(4),
          theirs.toFixed(4),
          full.toFixed(4),
          (own / theirs).toFixed(3),
          (own / full).toFixed(3),
        ]),
        [
          'texts a second',
          speed[0].toFixed(0),
          `${peer.textsPerSecond.toFixed(0)} (another run)`,
          speed[1].toFixed(0),
          '',
          (speed[0] / speed[1]).toFixed(0),
        ],
        ['numbers a vector', ours.space.dimension, 256, teacher.space.dimension, '', ''],
        [
          'folder, MB',
          ((await folderBytes(join(root, model))) / 1e6).toFixed(1),
          (peer.bytes / 1e6).toFixed(1),
          ((await folderBytes(join(root, teacherPath))) / 1e6).toFixed(1),
          '',
          '',
        ],
      ],
    ),
  );
  const below = rows.filter(([name, own, theirs]) => / en(,| → en,)/.test(name) && own < theirs);
  process.exitCode = below.length === 0 && speed[0] >= LEAST_SPEEDUP * speed[1] ? 0 : 1;
} finally {
  await Promise.all([ours.close(), teacher.close()]);
}
