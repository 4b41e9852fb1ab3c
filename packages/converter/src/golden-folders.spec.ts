import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { colbertScore, dot, hybridScore, lexicalScore, maxAbsDifference } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { parseTokenizer } from '@kimera/tokenizers';
import {
  bertNames,
  checkpointNames,
  checkpoints,
  openPlainBackend,
  portableHiddenStates,
  xlmrNames,
} from './fixtures.fixture.js';
import { compareGoldenFolder, type GoldenComparison } from './golden-folders.fixture.js';

/** PROVENANCE.md of the goldens: an fp32 runtime against the original libraries. */
const FP32_RUNTIME = 2e-5;
const FP32_MEAN = 1e-6;

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-goldens-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));
const results = new Map<string, GoldenComparison>();

it.each(checkpointNames)(
  '%s: hidden states, dense, sparse and ColBERT of both graphs and of the forward pass, and token ids, are those of the original library',
  async (name) => {
    const result = await compareGoldenFolder(name, scratch);
    results.set(name, result);
    expect(result.differentIds).toEqual([]);
    for (const side of [result.graphs, result.reference]) {
      for (const { maxAbs, mean } of Object.values(side)) {
        expect(maxAbs).toBeLessThan(FP32_RUNTIME);
        expect(mean).toBeLessThan(FP32_MEAN);
      }
    }
    // Before the normalisation numbers are a few times as large.
    expect(result.pooled.maxAbs).toBeLessThan(10 * FP32_RUNTIME);
    expect(result.pooledDirection.maxAbs).toBeLessThan(FP32_RUNTIME);
    expect(result.pooled.texts > 0).toBe(result.model.space.normalize);
    const isTokens = name.startsWith('xlmr-');
    expect(result.graphs.dense.texts).toBeGreaterThan(isTokens ? -1 : 20);
    expect(result.graphs.hidden.texts).toBeGreaterThan(isTokens ? 5 : 20);
    for (const head of ['sparse', 'colbert'] as const)
      expect(result.graphs[head].texts > 20).toBe(name === 'bge-m3-tiny');
    // Four texts of 1,024 tokens through float64 arithmetic.
  },
  240_000,
);

describe('the space of a checkpoint', () => {
  const weights = (name: string): string | undefined => results.get(name)?.model.space.weights;

  it('has one weights hash whatever the file format, and another where the numbers differ', () => {
    const rounded = ['xlmr-tiny-bf16', 'xlmr-tiny-f16', 'xlmr-tiny-mixed'];
    const equal = new Set(xlmrNames.filter((name) => !rounded.includes(name)).map(weights));
    expect(equal.size).toBe(1);
    expect(new Set([...rounded.map(weights), ...equal]).size).toBe(4);
    expect(weights('bert-tiny-prefix')).toBe(weights('bert-tiny-mean'));
  });

  it('changes with a Dense module, its heads, its prompts and its pooling', () => {
    const dense = bertNames.filter((name) => name.includes('dense'));
    expect(new Set(['bert-tiny-mean', ...dense].map(weights)).size).toBe(3);
    expect(weights('bge-m3-tiny')).not.toBe(weights('xlmr-tiny-safetensors'));
    const spaces = new Set(
      [
        'bert-tiny-mean',
        'bert-tiny-cls',
        'bert-tiny-max',
        'bert-tiny-prompts',
        'bert-tiny-lower',
        'bert-tiny-newstyle-maxlen',
        'bert-tiny-plain',
      ].map((name) => results.get(name)?.model.space.fingerprint),
    );
    expect(spaces.size).toBe(7);
    expect(results.get('bert-tiny-prompts')?.model.space).toMatchObject({
      promptPooling: 'excluded',
      defaultRole: 'query',
      // sentence-transformers 5.7 puts nothing before documents where no prompt is named `document`.
      prompts: { query: 'query: ', document: '' },
      namedPrompts: { passage: 'passage of text: ' },
    });
  });
});

describe('the portable graph', () => {
  it.each(['bert-tiny-mean', 'bge-m3-tiny'])('%s: padding that the mask hides changes nothing', async (name) => {
    const folder = await openModelFolder(join(scratch, name));
    const ids = [...(folder.probes[1]?.ids ?? [])];
    const padId = name === 'bge-m3-tiny' ? 1 : 0;
    expect(
      maxAbsDifference(await portableHiddenStates(folder, ids, 7, padId), await portableHiddenStates(folder, ids, 0)),
    ).toBeLessThan(FP32_RUNTIME);
  });
});

/** Scores of FlagEmbedding. */
interface GoldenPair {
  readonly query: string;
  readonly passage: string;
  readonly dense: number;
  readonly lexical: number;
  readonly colbert: number;
  readonly compute_score_weights_1_1_1: MixedScores;
  readonly 'compute_score_weights_0.4_0.2_0.4': MixedScores;
}
type MixedScores = Readonly<Record<'colbert+sparse+dense' | 'sparse+dense', number>>;

describe('heads of bge-m3-tiny', () => {
  it('are computed only when asked for', async () => {
    const folder = await openModelFolder(join(scratch, 'bge-m3-tiny'));
    const backend = await openPlainBackend(folder);
    const probe = folder.probes[5];
    const batch = { ids: probe?.ids ?? new Int32Array(), offsets: Int32Array.of(0, probe?.ids.length ?? 0) };
    expect(Object.keys(await backend.run(batch, { heads: ['dense'] }))).toEqual(['dense']);
    const { sparse, colbert } = await backend.run(batch, { heads: ['sparse', 'colbert'] });
    expect([...(sparse?.[0] ?? [])].length).toBeGreaterThan(0);
    expect(maxAbsDifference(colbert?.[0] ?? [], probe?.colbert ?? [])).toBeLessThan(FP32_RUNTIME);
    await backend.close();
  });

  it('score pairs as FlagEmbedding does', async () => {
    const folder = await openModelFolder(join(scratch, 'bge-m3-tiny'));
    const backend = await openPlainBackend(folder);
    const tokenizer = parseTokenizer(readFileSync(join(folder.path, 'tokenizer.json'), 'utf8'), 'bge-m3-tiny');
    const { pairs } = JSON.parse(readFileSync(join(checkpoints, 'bge-m3-tiny/expected.json'), 'utf8')) as {
      readonly pairs: readonly GoldenPair[];
    };
    const embed = async (text: string) => {
      const { ids } = tokenizer.encode(text, { maxTokens: 1024 });
      const { dense, sparse, colbert } = await backend.run(
        { ids, offsets: Int32Array.of(0, ids.length) },
        { heads: ['dense', 'sparse', 'colbert'] },
      );
      return {
        dense: dense ?? new Float32Array(),
        sparse: sparse?.[0] ?? new Map<number, number>(),
        colbert: colbert?.[0] ?? new Float32Array(),
      };
    };
    expect(pairs.length).toBeGreaterThan(3);
    for (const pair of pairs) {
      const [query, passage] = [await embed(pair.query), await embed(pair.passage)];
      const scores = {
        dense: dot(query.dense, passage.dense),
        sparse: lexicalScore(query.sparse, passage.sparse),
        colbert: colbertScore(query.colbert, passage.colbert, 64),
      };
      for (const [name, expected] of [
        ['dense', pair.dense],
        ['sparse', pair.lexical],
        ['colbert', pair.colbert],
      ] as const)
        expect(Math.abs(scores[name] - expected)).toBeLessThan(1e-5);
      for (const [key, weights] of [
        ['compute_score_weights_1_1_1', { dense: 1, sparse: 1, colbert: 1 }],
        ['compute_score_weights_0.4_0.2_0.4', { dense: 0.4, sparse: 0.2, colbert: 0.4 }],
      ] as const) {
        expect(Math.abs(hybridScore(scores, weights) - pair[key]['colbert+sparse+dense'])).toBeLessThan(1e-5);
        expect(
          Math.abs(hybridScore(scores, { dense: weights.dense, sparse: weights.sparse }) - pair[key]['sparse+dense']),
        ).toBeLessThan(1e-5);
      }
    }
    await backend.close();
  });
});
