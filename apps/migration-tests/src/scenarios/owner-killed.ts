import { OWNER } from '../child-programs.js';
import { planMigration, startMigration, work } from '@kimera/migration';
import { joinStore, openStore } from '@kimera/store-postgres';
import type { KnownVectors } from '../known-vectors.js';
import { killHard, startProcess, until } from '../processes.js';
import { ingest, parts, sameBytes, storedVectors, type Stage } from '../stage.js';

const COLLECTION = 'spanish';

/**
 * The process that owns the database is killed in the middle of a backfill. @param minilmVectors of these texts, from
 * the journey.
 */
export async function playOwnerKilled(
  stage: Stage,
  databaseFolder: string,
  minilmVectors: KnownVectors,
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
  await planMigration(migration);
  await startMigration(migration, { rowsPerJob: 64 });
  const { id } = await joined.migrations.latestMigration(COLLECTION);

  // What the store has acknowledged before the kill must be there after it.
  let acknowledged = 0;
  const working = work(migration, {
    until: 'caught-up',
    leaseSeconds: 5,
    onProgress: ({ counts }) => (acknowledged = counts.done),
  }).then(
    () => 'finished',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  await until('some jobs are done', 120, async () => acknowledged >= 5);
  await killHard(owner);
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
    await work(parts(store, COLLECTION, minilm, e5), { until: 'caught-up', leaseSeconds: 5 });
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
