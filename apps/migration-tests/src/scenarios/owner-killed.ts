import { OWNER } from '../child-programs.js';
import { planMigration, startMigration, work } from '@kimera/migration';
import { type TextEmbedder, reasonOf } from '@kimera/core';
import { joinStore, openStore } from '@kimera/store-postgres';
import { killHard, startProcess, until } from '../processes.js';
import { ingest, parts, PLANNED_ROWS, sameBytes, storedVectors, type Stage } from '../stage.js';
import type { Journey } from './journey.js';

const COLLECTION = 'spanish';

/** Jobs that are done when the owner is killed. */
const JOBS_BEFORE_KILL = 5;

/**
 * The process that owns the database is killed in the middle of a backfill. Both models' vectors of these texts are
 * known from the journey.
 */
export async function playOwnerKilled(
  stage: Stage,
  databaseFolder: string,
  { minilmVectors, e5Vectors }: Pick<Journey, 'minilmVectors' | 'e5Vectors'>,
): Promise<void> {
  const { checks, corpus, minilm, e5 } = stage;
  checks.scenario('The owner of the database is killed');
  const owner = startProcess(OWNER, [databaseFolder]);
  await until('the owner is ready', 60, async () => owner.output().includes('ready'), owner);
  const joined = await joinStore(databaseFolder);
  const rows = corpus.sentences.filter(({ language }) => language === 'es');
  await ingest(stage, joined, COLLECTION, minilmVectors, rows);
  await checks.refused('a second owner is refused', 'STORE_LOCKED', () => openStore({ database: databaseFolder }));
  const original = await storedVectors(joined, COLLECTION, minilm);
  const migration = parts(joined, COLLECTION, minilm, e5);
  await planMigration(migration, { sampleRows: PLANNED_ROWS });
  await startMigration(migration, { rowsPerJob: 64 });
  const { id } = await joined.migrations.latestMigration(COLLECTION);

  // What the store has acknowledged before the kill must be there after it.
  let acknowledged = 0;
  let goOn: () => void = () => undefined;
  const killed = new Promise<void>((resolve) => (goOn = resolve));
  const slow: TextEmbedder = {
    space: e5.space,
    encodeText: (text) => e5Vectors.encodeText(text),
    async encodeBatch(texts) {
      if (acknowledged < JOBS_BEFORE_KILL) acknowledged = (await joined.jobs.counts(id)).done;
      if (acknowledged >= JOBS_BEFORE_KILL) await killed;
      return e5Vectors.encodeBatch(texts);
    },
  };
  const working = work(
    { ...migration, target: slow },
    { until: 'caught-up', leaseSeconds: 5, patienceSeconds: 1 },
  ).then(
    () => 'finished',
    (error: unknown) => reasonOf(error),
  );
  await until('some jobs are done', 120, async () => acknowledged >= JOBS_BEFORE_KILL);
  await killHard(owner);
  goOn();
  const failure = await working;
  checks.check('work without a database fails and says so', failure !== 'finished', failure);
  await joined.close();

  const store = await openStore({ database: databaseFolder });
  try {
    const kept = await store.jobs.counts(id);
    checks.check(
      'the stale lock is recovered, and no acknowledged job is lost',
      kept.done >= acknowledged,
      `${acknowledged} jobs acknowledged, ${kept.done} there`,
    );
    await work(parts(store, COLLECTION, minilm, e5Vectors), { until: 'caught-up', leaseSeconds: 5 });
    const { rows: count, current } = await store.vectors.coverage(COLLECTION, e5.space.fingerprint);
    checks.check(
      'the backfill goes on to the end',
      count === rows.length && current === count,
      `${current} of ${count} rows`,
    );
    const after = await storedVectors(store, COLLECTION, minilm);
    checks.check(
      'the old vectors are byte-equal',
      rows.every((row) => sameBytes(original.get(row.id), after.get(row.id))),
      `${after.size} vectors`,
    );
  } finally {
    await store.close();
  }
}
