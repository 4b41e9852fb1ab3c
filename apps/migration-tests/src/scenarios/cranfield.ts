import { cutOver, planMigration, startMigration, verifyMigration, work, type Verification } from '@kimera/migration';
import { openStore } from '@kimera/store-postgres';
import { readCranfield } from '../cranfield.js';
import { ingest, parts, type Stage } from '../stage.js';

const COLLECTION = 'cranfield';
/** sentence-transformers 5.7: all-MiniLM-L6-v2, and multilingual-e5-small with its prompts by role. */
const EXPECTED = { minilm: 0.395, e5: 0.381 };
const TOLERANCE = 0.002;

/** An English-only collection of a kind in which the old model is better: an honest gate does not say GO. */
export async function playCranfield(stage: Stage, databaseFolder: string, data: string): Promise<Verification> {
  const { checks, minilm, e5, progress } = stage;
  checks.scenario('An English-only collection: Cranfield');
  const { rows, queries } = await readCranfield(data);
  const store = await openStore({ database: databaseFolder });
  try {
    await ingest(stage, store, COLLECTION, minilm, rows);
    const migration = parts(store, COLLECTION, minilm, e5);
    const { plan } = await planMigration(migration);
    checks.check(
      'the plan says what is cut',
      plan.source.truncatedShare > 0,
      `${(plan.source.truncatedShare * 100).toFixed(0)} % of the texts at ${plan.source.maxTokens} tokens before, ${(plan.target.truncatedShare * 100).toFixed(0)} % at ${plan.target.maxTokens} after`,
    );
    await startMigration(migration);
    await work(migration, {
      until: 'caught-up',
      onProgress: ({ rows: done, rowsPerSecond }) =>
        progress(`backfill: ${done} of ${rows.length} rows, ${rowsPerSecond.toFixed(0)} a second`),
    });
    const verification = await verifyMigration(migration, { queries });
    const { quality, gate } = verification;
    checks.check(
      'every structural check holds',
      verification.checks.every(({ holds }) => holds),
    );
    checks.check(
      'nDCG@10 of the old model',
      Math.abs((quality?.source ?? 0) - EXPECTED.minilm) <= TOLERANCE,
      `${quality?.source.toFixed(4)}, sentence-transformers ${EXPECTED.minilm}`,
    );
    checks.check(
      'nDCG@10 of the new model',
      Math.abs((quality?.target ?? 0) - EXPECTED.e5) <= TOLERANCE,
      `${quality?.target.toFixed(4)}, sentence-transformers ${EXPECTED.e5}`,
    );
    checks.check(
      'the gate does not say GO',
      verification.verdict !== 'GO',
      `${verification.verdict}: ${verification.reason}; ${gate?.queries} queries, 5th percentile ${gate?.p5.toFixed(4)}, 95th ${gate?.p95.toFixed(4)}`,
    );
    await checks.refused('cutover is refused', 'MIGRATION_STATE', () => cutOver(migration));
    return verification;
  } finally {
    await store.close();
  }
}
