import {
  cutOver,
  planMigration,
  retireMigration,
  startMigration,
  verifyMigration,
  work,
  type Verification,
} from '@kimera/migration';
import { openStore } from '@kimera/store-postgres';
import { LANGUAGES } from '../corpus.js';
import { judgedQueries } from '../judged-queries.js';
import { ingest, parts, PLANNED_ROWS, type Stage } from '../stage.js';
import type { Journey } from './journey.js';

const COLLECTION = 'multilingual';
/** The loss is large: fewer questions decide than in the other direction. */
const QUERIES_PER_LANGUAGE = 100;

/**
 * The way back: a collection ingested with e5 is to go to MiniLM, which would lose most languages. Both models' vectors
 * of these texts are known from the journey; verification embeds the rows of its sample again.
 */
export async function playReverse(
  stage: Stage,
  databaseFolder: string,
  { minilmVectors, e5Vectors }: Pick<Journey, 'minilmVectors' | 'e5Vectors'>,
): Promise<Verification> {
  const { checks, corpus, e5, minilmQuestions, e5Questions, progress } = stage;
  checks.scenario('The reverse migration: multilingual-e5-small to all-MiniLM-L6-v2');
  const store = await openStore({ database: databaseFolder });
  try {
    await ingest(stage, store, COLLECTION, e5Vectors, corpus.sentences);
    const migration = parts(store, COLLECTION, e5Questions, minilmQuestions);
    await planMigration(migration, { sampleRows: PLANNED_ROWS });
    await startMigration(migration);
    await work(
      { ...migration, target: minilmVectors },
      {
        until: 'caught-up',
        onProgress: ({ rows, rowsPerSecond }) =>
          progress(`backfill: ${rows} rows, ${rowsPerSecond.toFixed(0)} a second`),
      },
    );
    const verification = await verifyMigration(migration, {
      queries: judgedQueries(corpus, LANGUAGES, QUERIES_PER_LANGUAGE),
      onProgress: (step, done, total) => progress(`verification: ${step} ${done} of ${total}`),
    });
    const { quality, gate } = verification;
    checks.check(
      'every structural check holds',
      verification.checks.every(({ holds }) => holds),
    );
    checks.check(
      'the gate says NO-GO',
      verification.verdict === 'NO-GO',
      `nDCG@10 ${quality?.source.toFixed(4)} → ${quality?.target.toFixed(4)}, 95th percentile of the difference ${gate?.p95.toFixed(4)}`,
    );
    await checks.refused('cutover is refused', 'MIGRATION_STATE', () => cutOver(migration));
    await checks.refused('and cannot be accepted in writing', 'ACCEPTANCE', () =>
      verifyMigration(migration, { queries: judgedQueries(corpus, ['de', 'zh'], 30), accept: 'it is smaller' }),
    );
    await retireMigration(migration);
    const { activeSpace } = await store.collections.collection(COLLECTION);
    checks.check(
      'retired, the collection is as before',
      activeSpace === e5.space.fingerprint && (await store.vectors.spaces(COLLECTION)).length === 1,
    );
    return verification;
  } finally {
    await store.close();
  }
}
