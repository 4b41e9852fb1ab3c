/**
 * How far are 8-bit variants from the full ones on the STS benchmark (dev)? `--data DIR` holds stsb-LANGUAGE-dev.csv of
 * PhilipMay/stsb-multi-mt; the arguments are model folders with an int8 variant (`kimera models convert … --variants
 * fp32,int8`); `--languages en,de,zh` is the default. Fails where a model is below a mean cosine of .999 or below the
 * minimum that a server asks of a precision it takes by itself, loses more than .002 in Spearman's ρ, or gives a text
 * another vector beside other texts.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { cosine, maxAbsDifference, type Embedding } from '@kimera/core';
import { openEmbedder, type Embedder } from '@kimera/embedder';
import { spearman } from '@kimera/evaluation';
import { FAST_MIN_COSINE } from '@kimera/serving';
import { machineLines, table } from './machine.js';
import { readSts, type SentencePair } from './sts.js';

const FLOOR = { mean: 0.999, min: FAST_MIN_COSINE, loss: 0.002 };

const {
  values: { data, languages },
  positionals: folders,
} = parseArgs({
  allowPositionals: true,
  options: { data: { type: 'string' }, languages: { type: 'string', default: 'en,de,zh' } },
});
if (data === undefined || folders.length === 0)
  throw new Error('--data DIR with stsb-LANGUAGE-dev.csv and model folders with an int8 variant are needed');

const dense = ({ dense: vector = new Float32Array() }: Embedding): Float32Array => vector;
const open = (modelPath: string, variant?: 'int8'): Promise<Embedder> =>
  openEmbedder({
    modelPath,
    backends: [
      { name: 'onnx', open: (folder) => openOnnxBackend({ folder, ...(variant === undefined ? {} : { variant }) }) },
    ],
  });

async function rho(
  embed: Embedder,
  pairs: readonly SentencePair[],
): Promise<{ readonly rho: number; readonly vectors: readonly Float32Array[] }> {
  const texts = pairs.flatMap(({ first, second }) => [first, second]);
  const vectors = (await embed.encodeBatch(texts, { lane: 'bulk' })).map(dense);
  const similarities = pairs.map((_, i) => cosine(vectors[2 * i] ?? [], vectors[2 * i + 1] ?? []));
  return {
    rho: spearman(
      similarities,
      pairs.map(({ score }) => score),
    ),
    vectors,
  };
}

/** The same texts alone, together and turned round: the largest difference of any number. */
async function compositionDifference(embed: Embedder, texts: readonly string[]): Promise<number> {
  const together = (await embed.encodeBatch(texts)).map(dense);
  const turned = (await embed.encodeBatch(texts.toReversed())).map(dense).toReversed();
  let largest = 0;
  for (const [i, text] of texts.entries()) {
    const alone = dense(await embed.encodeText(text));
    largest = Math.max(largest, maxAbsDifference(alone, together[i] ?? []), maxAbsDifference(alone, turned[i] ?? []));
  }
  return largest;
}

const rows: (string | number)[][] = [];
let holds = true;
for (const folder of folders) {
  const [full, int8] = [await open(folder), await open(folder, 'int8')];
  for (const language of languages.split(',')) {
    const pairs = await readSts(data, language, 'dev');
    const [a, b] = [await rho(full, pairs), await rho(int8, pairs)];
    const cosines = a.vectors.map((vector, i) => cosine(vector, b.vectors[i] ?? []));
    const [min, mean] = [Math.min(...cosines), cosines.reduce((sum, value) => sum + value, 0) / cosines.length];
    const loss = a.rho - b.rho;
    const composed = await compositionDifference(
      int8,
      pairs.slice(0, 64).map(({ first }) => first),
    );
    const passes = min >= FLOOR.min && mean >= FLOOR.mean && loss <= FLOOR.loss && composed < 2e-6;
    holds &&= passes;
    rows.push([
      basename(folder),
      language,
      pairs.length * 2,
      min.toFixed(5),
      mean.toFixed(5),
      a.rho.toFixed(4),
      b.rho.toFixed(4),
      loss.toFixed(4),
      composed.toExponential(1),
      passes ? 'yes' : 'NO',
    ]);
  }
  await Promise.all([full.close(), int8.close()]);
}
console.log(`# 8-bit variants against full ones\n\n${machineLines().join('\n')}\n`);
console.log(
  table(
    [
      'model',
      'STS-b dev',
      'sentences',
      'least cosine',
      'mean cosine',
      'ρ full',
      'ρ int8',
      'loss',
      'composed three ways',
      'holds',
    ],
    rows,
  ),
);
process.exitCode = holds ? 0 : 1;
