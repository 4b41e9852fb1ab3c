import {
  planMigration,
  retireMigration,
  startMigration,
  verifyMigration,
  work,
  type Verification,
} from '@kimera/migration';
import { openStore } from '@kimera/store-postgres';
import { judgedQueries } from '../judged-queries.js';
import { KnownVectors } from '../known-vectors.js';
import { parts, PLANNED_ROWS, type Stage } from '../stage.js';
import { COLLECTION } from './journey.js';

/**
 * Vectors of one model under the fingerprint of another: what a fallback that changes the model in silence would write.
 * Both models have 384 numbers and norm 1, so no structural check can tell them apart.
 */
export async function playSwap(stage: Stage, databaseFolder: string): Promise<Verification> {
  const { checks, corpus, minilm, e5, minilmQuestions, e5Questions, progress } = stage;
  checks.scenario('The other model of the same dimension, under the expected fingerprint');
  const store = await openStore({ database: databaseFolder });
  try {
    const honest = parts(store, COLLECTION, minilmQuestions, e5Questions);
    await retireMigration(honest);
    await planMigration(honest, { sampleRows: PLANNED_ROWS });
    await startMigration(honest);
    const lying = { ...honest, target: await KnownVectors.of(store, COLLECTION, minilm, e5.space) };
    await work(lying, {
      until: 'caught-up',
      onProgress: ({ rows }) => progress(`backfill by the wrong model: ${rows} rows`),
    });
    const verification = await verifyMigration(honest, { queries: judgedQueries(corpus, ['en', 'de'], 100) });
    const structural = verification.checks.filter(
      ({ name }) => name !== 'vectors embedded again' && name !== 'known answers',
    );
    checks.check(
      'every structural check is fooled',
      structural.every(({ holds }) => holds),
      `${structural.length} checks; ${e5.space.dimension} numbers in both models`,
    );
    for (const name of ['vectors embedded again', 'known answers']) {
      const check = verification.checks.find((candidate) => candidate.name === name);
      checks.check(`"${name}" catches it`, check?.holds === false, check?.actual);
    }
    checks.check('NO-GO', verification.verdict === 'NO-GO', verification.reason.slice(0, 160));
    await retireMigration(honest);
    return verification;
  } finally {
    await store.close();
  }
}
