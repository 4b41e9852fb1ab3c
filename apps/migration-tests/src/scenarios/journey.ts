import type { Vector } from '@kimera/core';
import { ndcg } from '@kimera/evaluation';
import {
  cutOver,
  migrationStatus,
  planMigration,
  rollBack,
  startMigration,
  verifyMigration,
  work,
  type JudgedQuery,
  type MigrationPlan,
  type Verification,
} from '@kimera/migration';
import { openStore, type PostgresStore } from '@kimera/store-postgres';
import { NEW_MODEL, OLD_MODEL } from '../models.js';
import { killHard, startProcess, until, type Running } from '../processes.js';
import { EXPECTED_E5, EXPECTED_MINILM, QUALITY_TOLERANCE, type ExpectedQuality } from '../expected-quality.js';
import { KnownVectors } from '../known-vectors.js';
import { measureQuality, nearest, type PairQuality, type QuestionVectors } from '../quality.js';
import { ingest, KIMERA, parts, sameBytes, storedVectors, type Stage } from '../stage.js';
import { Traffic, type TrafficReport } from '../traffic.js';
import { judgedQueries } from '../judged-queries.js';
import { noteText } from '../notes.js';

export const COLLECTION = 'passages';
const NOTES = 240;
/** A worker that is killed holds its job this long. */
const LEASE_SECONDS = 5;

export interface JourneyReport {
  readonly rows: number;
  readonly plan: MigrationPlan;
  readonly before: readonly PairQuality[];
  readonly after: readonly PairQuality[];
  readonly verification: Verification;
  readonly backfillSeconds: number;
  readonly traffic: TrafficReport;
  readonly cutover: { readonly milliseconds: number; readonly blockedMilliseconds: number };
  readonly rollback: { readonly milliseconds: number; readonly blockedMilliseconds: number };
}

export interface Journey {
  readonly report: JourneyReport;
  /** The collection's vectors as they were ingested. */
  readonly minilmVectors: KnownVectors;
  /** As the migration made them. */
  readonly e5Vectors: KnownVectors;
}

/** The collection before its migration. */
export interface Passages {
  /** Open, of this process. */
  readonly store: PostgresStore;
  readonly folder: string;
  readonly notes: ReadonlyMap<string, string>;
  readonly rows: number;
  readonly before: readonly PairQuality[];
}

/** Ingests sentences and notes with MiniLM. Whoever gets them closes the store. */
export async function ingestPassages(stage: Stage, databaseFolder: string): Promise<Passages> {
  const { checks, corpus, minilm, minilmQuestions } = stage;
  checks.scenario('A collection of all-MiniLM-L6-v2');
  const store = await openStore({ database: databaseFolder });
  const notes = new Map(Array.from({ length: NOTES }, (_, i) => [`note-${String(i).padStart(4, '0')}`, noteText(i)]));
  const rows = [...corpus.sentences, ...[...notes].map(([id, text]) => ({ id, text }))];
  await ingest(stage, store, COLLECTION, minilm, rows);
  const before = measureQuality(corpus, await storedVectors(store, COLLECTION, minilm), minilmQuestions);
  compare(stage, 'all-MiniLM-L6-v2', before, EXPECTED_MINILM);
  return { store, folder: databaseFolder, notes, rows: rows.length, before };
}

/**
 * MiniLM → e5 on a collection that is read and written all the while. This process owns the database; the backfill
 * worker is another process that reaches it over loopback, and is killed once.
 */
export async function playJourney(
  stage: Stage,
  { store, folder: databaseFolder, notes, rows, before }: Passages,
): Promise<Journey> {
  const { checks, corpus, minilm, e5, minilmQuestions, e5Questions, progress } = stage;
  checks.scenario('From all-MiniLM-L6-v2 to multilingual-e5-small, under traffic');
  try {
    const original = await storedVectors(store, COLLECTION, minilm);
    const minilmVectors = await KnownVectors.of(store, COLLECTION, minilm);
    const migration = parts(store, COLLECTION, minilm, e5);
    const { plan } = await planMigration(migration);
    checks.check(
      'the plan counts rows, tokens, time and room',
      plan.rows === rows && plan.tokens > plan.rows && plan.seconds > 0 && plan.bytes > plan.rows * 384 * 4,
      `${plan.tokens} tokens, about ${Math.round(plan.seconds)} s, ${plan.judgedQueries} judged queries for a decision`,
    );
    await startMigration(migration);

    const traffic = new Traffic(store, COLLECTION, [minilm, e5], corpus.questions);
    traffic.start(notes);
    const started = performance.now();
    await backfillWithAKill(stage, store, databaseFolder);
    const backfillSeconds = (performance.now() - started) / 1000;

    const queries = judgedQueries(corpus);
    const verification = await verifyMigration(parts(store, COLLECTION, minilmQuestions, e5Questions), {
      queries,
      onProgress: (step, done, total) => progress(`verification: ${step} ${done} of ${total}`),
    });
    for (const { name, holds, expected, actual } of verification.checks)
      checks.check(name, holds, `${actual} (expected ${expected})`);
    const { gate, quality } = verification;
    checks.check(
      'the gate says GO',
      verification.verdict === 'GO',
      `nDCG@10 ${quality?.source.toFixed(4)} → ${quality?.target.toFixed(4)} over ${quality?.queries} questions, e-value 10^${((gate?.notWorse.logE ?? 0) / Math.LN10).toFixed(1)} (20 decides), 5th percentile of the gain ${gate?.p5.toFixed(4)}, margin ${gate?.margin}, seed ${gate?.seed}`,
    );

    const cutover = await timed(() => cutOver(migration));
    checks.check(
      'cutover',
      (await store.collections.collection(COLLECTION)).activeSpace === e5.space.fingerprint,
      `${cutover.milliseconds.toFixed(0)} ms, writers waited ${cutover.blockedMilliseconds.toFixed(1)} ms`,
    );
    // In the new space too: each kind of write several times.
    await traffic.goesOn({ writes: 9, searches: 20 });
    const report = await traffic.stop();
    await work(migration, { until: 'caught-up' });
    checks.check(
      'reader and writer saw no error',
      report.errors.length === 0,
      report.errors[0] ??
        `${report.searches} searches (p95 ${report.p95Milliseconds.toFixed(0)} ms), ${report.edits} edits, ${report.inserts} inserts, ${report.deletes} deletes; ${report.embeddedAgain} calls met the cutover and embedded again`,
    );

    const migrated = await storedVectors(store, COLLECTION, e5);
    await checkRows(stage, store, traffic, migrated);
    const after = measureQuality(corpus, migrated, e5Questions);
    compare(stage, 'multilingual-e5-small', after, EXPECTED_E5);
    await checkSql(stage, store, queries, original, migrated, verification);

    const e5Vectors = await KnownVectors.of(store, COLLECTION, e5);
    const rollback = await timed(() => rollBack(migration));
    checks.check(
      'rollback',
      (await store.collections.collection(COLLECTION)).activeSpace === minilm.space.fingerprint,
      `${rollback.milliseconds.toFixed(0)} ms, writers waited ${rollback.blockedMilliseconds.toFixed(1)} ms`,
    );
    await checkRollback(stage, store, traffic, original);
    const { events } = await migrationStatus(migration);
    checks.check(
      'every step is in the log',
      ['plan', 'start', 'verify', 'verdict', 'cutover', 'rollback'].every((event) =>
        events.some((line) => line.event === event),
      ),
      `${events.length} lines`,
    );
    return {
      minilmVectors,
      e5Vectors,
      report: {
        rows,
        plan,
        before,
        after,
        verification,
        backfillSeconds,
        traffic: report,
        cutover,
        rollback,
      },
    };
  } finally {
    await store.close();
  }
}

function startWorker(databaseFolder: string): Running {
  return startProcess(KIMERA, [
    'migrate',
    'work',
    '--database',
    databaseFolder,
    '--collection',
    COLLECTION,
    '--from',
    OLD_MODEL,
    '--to',
    NEW_MODEL,
    '--lease',
    String(LEASE_SECONDS),
    '--json',
  ]);
}

async function backfillWithAKill(
  { checks, progress }: Stage,
  store: PostgresStore,
  databaseFolder: string,
): Promise<void> {
  const { id } = await store.migrations.latestMigration(COLLECTION);
  const first = startWorker(databaseFolder);
  await until(
    'some jobs are done and one is under way',
    600,
    async () => {
      const { done, active } = await store.jobs.counts(id);
      return done >= 4 && active >= 1;
    },
    first,
  );
  await killHard(first);
  const atKill = await store.jobs.counts(id);
  const second = startWorker(databaseFolder);
  const timer = setInterval(() => {
    void store.jobs.counts(id).then(
      ({ done, waiting, active }) => progress(`backfill: ${done} of ${done + waiting + active} jobs`),
      () => undefined,
    );
  }, 1_000);
  const code = await second.ended;
  clearInterval(timer);
  const { waiting, active, done, failed } = await store.jobs.counts(id);
  checks.check(
    'a worker is killed with SIGKILL in the middle of a job',
    atKill.done >= 4 && atKill.active + atKill.waiting > 0,
    `${atKill.done} jobs done, ${atKill.active} under way, ${atKill.waiting} waiting`,
  );
  checks.check(
    'another worker goes on and ends with 0',
    code === 0 && waiting + active + failed === 0,
    `exit ${code}, ${done} jobs done`,
  );
}

/** Every live row has the vector of its present text, every deleted one has none. */
async function checkRows(
  { checks, e5, corpus }: Stage,
  store: PostgresStore,
  traffic: Traffic,
  migrated: ReadonlyMap<string, Vector>,
): Promise<void> {
  const live = [...traffic.notes].flatMap(([id, text]) => (text === undefined ? [] : [{ id, text }]));
  const deleted = [...traffic.notes].filter(([, text]) => text === undefined);
  const again = await e5.encodeBatch(
    live.map(({ text }) => text),
    { role: 'document' },
  );
  const wrong = live.filter(({ id }, i) => !close(migrated.get(id), again[i]?.dense));
  checks.check(
    'edited and inserted rows have the vector of their last text',
    wrong.length === 0,
    `${live.length} rows${
      wrong.length > 0
        ? `, wrong: ${wrong
            .slice(0, 3)
            .map(({ id }) => id)
            .join(', ')}`
        : ''
    }`,
  );
  const { rows, current } = await store.vectors.coverage(COLLECTION, e5.space.fingerprint);
  checks.check(
    'no row is lost, none is twice, no deleted row is back',
    rows === corpus.sentences.length + live.length &&
      current === rows &&
      migrated.size === rows &&
      deleted.every(([id]) => !migrated.has(id)),
    `${rows} rows, ${current} with their vector, ${deleted.length} deleted`,
  );
}

async function checkRollback(
  { checks, minilm, corpus }: Stage,
  store: PostgresStore,
  traffic: Traffic,
  original: ReadonlyMap<string, Vector>,
): Promise<void> {
  const restored = await storedVectors(store, COLLECTION, minilm);
  const changed = corpus.sentences.filter(({ id }) => !sameBytes(original.get(id), restored.get(id)));
  checks.check(
    'every old vector is byte-equal to before',
    changed.length === 0,
    `${corpus.sentences.length} vectors of 384 numbers`,
  );
  const live = [...traffic.notes].flatMap(([id, text]) => (text === undefined ? [] : [{ id, text }]));
  const again = await minilm.encodeBatch(
    live.map(({ text }) => text),
    { role: 'document' },
  );
  const wrong = live.filter(({ id }, i) => !close(restored.get(id), again[i]?.dense));
  checks.check(
    'rows that changed meanwhile have their old-space vector too',
    wrong.length === 0 && restored.size === corpus.sentences.length + live.length,
    `${live.length} rows`,
  );
}

/** 300 questions a language went through SQL when the gate judged them; the same in memory gives the same figure. */
async function checkSql(
  { checks, corpus, minilmQuestions, e5Questions }: Stage,
  store: PostgresStore,
  queries: readonly JudgedQuery[],
  original: ReadonlyMap<string, Vector>,
  migrated: ReadonlyMap<string, Vector>,
  { quality }: Verification,
): Promise<void> {
  // The gate counts a text once, the first of those that are alike.
  const counted = [...new Map(queries.toReversed().map((query) => [query.text, query])).values()];
  const asked = new Map(corpus.questions.map((question) => [question.id, question]));
  // The notes have changed since the gate searched, and do not stand among the answers.
  const inMemory = (stored: ReadonlyMap<string, Vector>, vectors: QuestionVectors): number => {
    const candidates = [...stored].map(([id, vector]) => ({ id, vector }));
    const scores = counted.map(({ id, relevant }) => {
      const question = asked.get(id);
      return question === undefined ? 0 : ndcg(nearest(vectors.get(question), candidates, 10), relevant, 10);
    });
    return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  };
  const [before, after] = [inMemory(original, minilmQuestions), inMemory(migrated, e5Questions)];
  const agrees =
    quality !== null && Math.abs(quality.source - before) < 0.001 && Math.abs(quality.target - after) < 0.001;
  checks.check(
    'SQL and memory agree',
    agrees,
    `${counted.length} questions, all languages mixed: ${quality?.source.toFixed(4)} and ${before.toFixed(4)} with MiniLM, ${quality?.target.toFixed(4)} and ${after.toFixed(4)} with e5`,
  );
  let same = 0;
  const some = queries.filter((_, i) => i % 15 === 0);
  const candidates = [...original].filter(([id]) => !id.startsWith('note-')).map(([id, vector]) => ({ id, vector }));
  for (const { id } of some) {
    const question = asked.get(id);
    if (question === undefined) continue;
    const dense = minilmQuestions.get(question);
    const hits = await store.vectors.searchSpace(
      COLLECTION,
      { space: (await store.migrations.latestMigration(COLLECTION)).source.fingerprint, dense },
      30,
    );
    const bySql = hits
      .map((hit) => hit.id)
      .filter((hit) => !hit.startsWith('note-'))
      .slice(0, 5);
    if (nearest(dense, candidates, 5).join() === bySql.join()) same += 1;
  }
  checks.check(
    'SQL ranks as memory does',
    same >= some.length - 1,
    `${same} of ${some.length} questions have the same first five sentences (one near-tie is allowed)`,
  );
}

function compare(
  { checks }: Stage,
  model: string,
  measured: readonly PairQuality[],
  expected: readonly ExpectedQuality[],
): void {
  for (const { from, to, ndcg: reference } of expected) {
    const actual = measured.find((pair) => pair.from === from && pair.to === to)?.ndcg ?? NaN;
    checks.check(
      `${model} ${from === to ? from : `${from} → ${to}`}`,
      Math.abs(actual - reference) <= QUALITY_TOLERANCE,
      `nDCG@10 ${actual.toFixed(4)}, sentence-transformers ${reference}`,
    );
  }
}

function close(a: Vector | undefined, b: Vector | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return a.every((value, i) => Math.abs(value - (b[i] as number)) < 1e-4);
}

async function timed<T>(action: () => Promise<T>): Promise<T & { readonly milliseconds: number }> {
  const started = performance.now();
  const result = await action();
  return { ...result, milliseconds: performance.now() - started };
}
