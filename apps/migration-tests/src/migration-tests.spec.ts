import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { TextEmbedder } from '@kimera/core';
import type { GateResult } from '@kimera/evaluation';
import type { Verification } from '@kimera/migration';
import { FakeEmbedder, fakeSpace } from '@kimera/testing';
import fc from 'fast-check';
import { Checks } from './checks.js';
import { readCorpus, type Corpus } from './corpus.js';
import { judgedQueries } from './judged-queries.js';
import { sideBySide, type Stage } from './stage.js';
import { measureQuality, nearest, QuestionVectors } from './quality.js';
import { gateChart, qualityChart } from './report/charts.js';
import { reportHtml } from './report/html.js';
import type { Report } from './report/report.js';
import { summaryMarkdown } from './report/summary.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');

describe('the corpus', () => {
  it('has every question with its answer in its own language, and the same questions in every language', async () => {
    const { sentences, questions } = await readCorpus(join(root, 'fixtures/xquad-r'));
    const languages = new Map(sentences.map(({ id, language }) => [id, language]));
    for (const { answer, language } of questions) expect(languages.get(answer)).toBe(language);
    const keys = (language: string): readonly string[] =>
      questions
        .filter((question) => question.language === language)
        .map(({ key }) => key)
        .sort();
    for (const language of ['de', 'es', 'zh', 'ar']) expect(keys(language)).toEqual(keys('en'));
  });

  it('gives 300 judged questions a language, always the same, with the answer in all five', async () => {
    const corpus = await readCorpus(join(root, 'fixtures/xquad-r'));
    const queries = judgedQueries(corpus);
    expect(queries).toEqual(judgedQueries(corpus));
    expect(new Set(queries.map(({ id }) => id)).size).toBe(1_500);
    expect(queries.every(({ relevant }) => Object.keys(relevant).length === 5)).toBe(true);
    expect(
      judgedQueries(corpus, ['de'], 10).every(
        ({ slice, relevant }) => slice === 'de' && Object.keys(relevant).length === 1,
      ),
    ).toBe(true);
  });
});

it('nearest gives what sorting all gives', () => {
  const vector = fc
    .array(fc.integer({ min: -50, max: 50 }), { minLength: 4, maxLength: 4 })
    .map((values) => Float32Array.from(values));
  fc.assert(
    fc.property(
      vector,
      fc.array(vector, { maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      (query, vectors, limit) => {
        const candidates = vectors.map((each, i) => ({ id: String(i), vector: each }));
        const score = (id: string): number =>
          Array.from(candidates[Number(id)]?.vector ?? []).reduce((sum, value, i) => sum + value * (query[i] ?? 0), 0);
        const sorted = candidates
          .map(({ id }) => score(id))
          .sort((a, b) => b - a)
          .slice(0, limit);
        expect(nearest(query, candidates, limit).map(score)).toEqual(sorted);
      },
    ),
  );
});

it('quality is 1 where each question finds its answer, and less where vectors are swapped', async () => {
  const texts = ['aaaa', 'bbbb', 'cccc'];
  const languages = ['en', 'de', 'es', 'zh', 'ar'] as const;
  const corpus: Corpus = {
    sentences: languages.flatMap((language) => texts.map((text, i) => ({ id: `${language}-${i}`, language, text }))),
    questions: languages.flatMap((language) =>
      texts.map((text, i) => ({ id: `${language}-q${i}`, key: String(i), language, text, answer: `${language}-${i}` })),
    ),
  };
  const embedder: TextEmbedder = new FakeEmbedder({ space: fakeSpace('quality') });
  const questions = new QuestionVectors(embedder);
  await questions.embed(corpus.questions, () => undefined);
  const embeddings = await embedder.encodeBatch(corpus.sentences.map(({ text }) => text));
  const stored = new Map(corpus.sentences.map(({ id }, i) => [id, embeddings[i]?.dense ?? new Float32Array()]));
  expect(measureQuality(corpus, stored, questions).map(({ ndcg }) => ndcg)).toEqual(Array.from({ length: 9 }, () => 1));
  const swapped = new Map(stored).set('en-0', stored.get('en-1') ?? new Float32Array());
  expect(measureQuality(corpus, swapped, questions)[0]?.ndcg).toBeLessThan(1);
});

it('embeds a question once as a query, and all else as the model does', async () => {
  const inner = new FakeEmbedder({ space: fakeSpace('questions') });
  const asked: (readonly string[])[] = [];
  const embedder: TextEmbedder = {
    space: inner.space,
    encodeText: (text) => inner.encodeText(text),
    encodeBatch: (texts) => {
      asked.push(texts);
      return inner.encodeBatch(texts);
    },
  };
  const questions = new QuestionVectors(embedder);
  await questions.embed([{ id: 'q', key: '0', language: 'en', text: 'who?', answer: 'a' }], () => undefined);
  const [expected] = await inner.encodeBatch(['who?']);
  expect(await questions.encodeBatch(['who?'], { role: 'query' })).toEqual([expected]);
  expect(asked).toEqual([['who?']]);
  for (const [texts, role] of [
    [['who?'], 'document'],
    [['who?', 'another'], 'query'],
    [['another'], 'query'],
  ] as const)
    expect(await questions.encodeBatch(texts, { role })).toEqual(await inner.encodeBatch(texts));
  expect(asked).toHaveLength(4);
});

it('what scenarios show that are played side by side is kept as if they came one after the other, a failed one too', async () => {
  const checks = new Checks(() => undefined);
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const play = (name: string, before: () => Promise<void>) => async (own: Pick<Stage, 'checks'>) => {
    own.checks.scenario(name);
    await before();
    own.checks.check('holds', true);
    return name;
  };
  const slow = play('slow', () => finished);
  const fast = play('fast', async () => finish());
  expect(await sideBySide({ checks }, slow, fast)).toEqual(['slow', 'fast']);
  const failing = play('failing', () => Promise.reject(new Error('lost')));
  await expect(sideBySide({ checks }, failing, fast)).rejects.toThrow('lost');
  expect(checks.results.map(({ scenario }) => scenario)).toEqual(['slow', 'fast', 'fast']);
});

it('a check that does not hold, or a refusal that does not come, is counted', async () => {
  const lines: string[] = [];
  const checks = new Checks((line) => lines.push(line));
  checks.scenario('one');
  checks.check('holds', true);
  checks.check('does not', false, 'since');
  await checks.refused('not refused', 'CODE', async () => undefined);
  await checks.refused('refused otherwise', 'CODE', async () =>
    Promise.reject(Object.assign(new Error('other'), { code: 'OTHER' })),
  );
  await checks.refused('refused', 'CODE', async () =>
    Promise.reject(Object.assign(new Error('right'), { code: 'CODE' })),
  );
  expect([checks.passed, checks.failed]).toEqual([2, 3]);
  expect(lines).toContain('  FAIL does not: since');
});

describe('the report', () => {
  const gate: GateResult = {
    verdict: 'GO',
    reason: 'better <b>',
    margin: 0.02,
    seed: 1,
    resamples: 10,
    method: 'monte-carlo',
    looks: 1,
    notWorse: { logE: 6, lastLogE: 6, p: 0.0025, decidedAfter: 31 },
    worse: { logE: 0, lastLogE: -4, p: 1, decidedAfter: null },
    decidedBy: 'not-worse',
    neededQueries: 100,
    power: 0.85,
    queries: 50,
    sourceMean: 0.5,
    targetMean: 0.6,
    meanDifference: 0.1,
    p5: 0.08,
    p95: 0.12,
    standardDeviation: 0.2,
    signFlip: { notWorse: 0, worse: 1, different: 0 },
    hits: null,
    slices: [],
  };
  const verification: Verification = {
    collection: 'passages',
    migration: 'm',
    sourceModel: 'a',
    targetModel: 'b',
    verdict: 'GO',
    reason: 'better <b>',
    accepted: null,
    checks: [],
    gate,
    quality: {
      metric: 'nDCG@10',
      source: 0.5,
      target: 0.6,
      queries: 50,
      look: 1,
      added: 50,
      known: 0,
      changed: 0,
      repeated: 0,
      cut: { source: 3, target: 0 },
    },
    thresholds: [{ share: 0.5, source: 0.4, target: 0.8 }],
  };
  const side = {
    modelId: 'a',
    space: 'f'.repeat(64),
    dimension: 4,
    maxTokens: 8,
    tokensPerRow: 3,
    truncatedShare: 0,
    cannotEmbed: [],
  };
  const switched = { milliseconds: 12, caughtUp: 1, blockedMilliseconds: 7 };
  const report: Report = {
    schema: 'kimera-migration-tests/1',
    date: '2026-01-01T00:00:00.000Z',
    command: 'npx nx run migration-tests',
    seconds: 1,
    passed: 1,
    failed: 1,
    machine: { processor: 'p', cores: 2, memoryGigabytes: 1, system: 's', node: 'v20', versions: { pg: '8' } },
    checks: [{ scenario: 'one', name: 'a <script>', holds: false, detail: 'x & y' }],
    models: [],
    modes: [
      {
        cell: {
          useOnnx: '1',
          lightweight: '0',
          fallbackSpace: '',
          model: 'present',
          native: 'loads',
          dimension: 'right',
        },
        observed: undefined,
        holds: false,
      },
    ],
    backendKilled: {
      kills: 20,
      texts: 300,
      failedCalls: 0,
      leastCosine: 0.99999995,
      byBackend: { onnx: 200, wasm: 100 },
      log: ['backend <wasm> serves'],
    },
    journey: {
      rows: 3,
      before: [{ from: 'en', to: 'en', questions: 2, ndcg: 0.25 }],
      after: [{ from: 'en', to: 'en', questions: 2, ndcg: 0.75 }],
      verification,
      backfillSeconds: 1,
      cutover: switched,
      rollback: switched,
      plan: {
        collection: 'passages',
        rows: 3,
        sampledRows: 3,
        source: side,
        target: side,
        tokens: 9,
        rowsPerSecond: 1,
        seconds: 3,
        bytes: 10,
        freeBytes: null,
        margin: 0.02,
        judgedQueries: 2249,
        judgedQueriesOfHalf: 1025,
        judgedQueriesAtOneLook: 1618,
        leastQueries: 30,
      },
      traffic: {
        inserts: 1,
        edits: 2,
        deletes: 3,
        searches: 4,
        embeddedAgain: 0,
        errors: [],
        p50Milliseconds: 1,
        p95Milliseconds: 2,
        slowestMilliseconds: 3,
      },
    },
    reverse: { ...verification, verdict: 'NO-GO' },
    swap: verification,
    cranfield: null,
  };

  it('is one page without network and script, with its charts and figures, and escapes what it shows', () => {
    const html = reportHtml(report);
    expect(html).not.toMatch(/<script|src=|href=|url\(|@import/);
    expect(html.match(/<svg/g)).toHaveLength(2);
    for (const piece of ['1 of 2', '0.500 → 0.600', 'a &lt;script&gt;', 'x &amp; y', 'FAILS'])
      expect(html).toContain(piece);
  });

  it('draws the figures', () => {
    expect(qualityChart(report.journey.before, report.journey.after)).toMatch(/0\.25[\s\S]*0\.75/);
    expect(
      gateChart([
        { name: 'there', verification },
        { name: 'no gate', verification: { ...verification, gate: null } },
      ]),
    ).toMatch(/there/);
  });

  it('becomes a summary that says how to go back', () => {
    const summary = summaryMarkdown(report);
    for (const piece of ['| en → en | 0.2500 | 0.7500 |', '**GO**', 'kimera migrate rollback', '**NO-GO**'])
      expect(summary).toContain(piece);
  });
});

it('the README and the guide name the report where it is written', () => {
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('reports/migration-tests/index.html');
});
