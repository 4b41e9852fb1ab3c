import type { Migration } from '@kimera/core';
import type { MigrationParts } from '../parts.js';
import type { Check } from './check.js';

/** Share of the rows whose changes may still wait when a migration is verified; the cutover embeds them. */
const PENDING_SHARE = 0.001;

/** Every row has one well-formed vector of its present text, and nothing else has one. */
export async function checkCoverage(
  { store, collection, target }: MigrationParts,
  migration: Migration,
): Promise<readonly Check[]> {
  const { rows, current, missing, stale, orphans, malformed, pending } = await store.vectors.coverage(
    collection,
    target.space.fingerprint,
  );
  const excused = (await store.migrations.poison(migration.id)).filter(
    (row) => row.excused === 'yes' && row.space === target.space.fingerprint,
  ).length;
  const allowedPending = Math.max(1, Math.floor(rows * PENDING_SHARE));
  const unexplained = Math.max(0, missing - excused - pending);
  return [
    {
      name: 'rows with a vector',
      expected: `${rows} rows, all but the changes that wait`,
      actual: `${current} current, ${missing} missing (${pending} waiting, ${excused} excused)`,
      holds: unexplained === 0,
    },
    {
      name: 'changes that wait',
      expected: `≤ ${allowedPending}`,
      actual: String(pending),
      holds: pending <= allowedPending,
    },
    { name: 'vectors of former texts', expected: '0', actual: String(stale), holds: stale === 0 },
    { name: 'vectors without a row', expected: '0', actual: String(orphans), holds: orphans === 0 },
    {
      name: 'well-formed and stamped',
      expected: 'finite, with a direction, of the new space',
      actual: `${malformed} are not`,
      holds: malformed === 0,
    },
  ];
}
