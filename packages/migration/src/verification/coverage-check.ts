import { setTimeout as delay } from 'node:timers/promises';
import type { Coverage, Migration } from '@kimera/core';
import type { MigrationParts } from '../parts.js';
import type { Check } from './check.js';

/** A fault is looked at this often, with pauses, before it is called one: what is under way looks different each time. */
const LOOKS = 3;
const PAUSE_MILLISECONDS = 300;

/**
 * Changes that may wait while a migration is verified; the cutover embeds them: a thousandth of the rows, in small
 * collections a hundredth, up to ten.
 */
export function allowedPending(rows: number): number {
  return Math.max(Math.min(10, Math.floor(rows / 100)), Math.floor(rows / 1_000));
}

/** Every row has one well-formed vector of its present text, but for changes that wait; nothing else has one. */
export async function checkCoverage(
  { store, collection, target }: MigrationParts,
  migration: Migration,
): Promise<readonly Check[]> {
  for (let look = 1; ; look++) {
    const coverage = await store.vectors.coverage(collection, target.space.fingerprint);
    const excused = (await store.migrations.poison(migration.id)).filter(
      (row) => row.excused === 'yes' && row.space === target.space.fingerprint,
    ).length;
    const checks = checksOf(coverage, excused);
    if (look === LOOKS || checks.every(({ holds }) => holds)) return checks;
    await delay(PAUSE_MILLISECONDS);
  }
}

function checksOf(
  { rows, current, missing, stale, orphans, malformed, pending }: Coverage,
  excused: number,
): readonly Check[] {
  const explained = pending + excused;
  const staleExplained = Math.max(0, explained - missing);
  return [
    {
      name: 'rows with a vector',
      expected: `${rows} rows, all but the changes that wait`,
      actual: `${current} current, ${missing} missing (${pending} waiting, ${excused} excused)`,
      holds: missing <= explained,
    },
    {
      name: 'vectors of former texts',
      expected: '0, but for the changes that wait',
      actual: String(stale),
      holds: stale <= staleExplained,
    },
    { name: 'vectors without a row', expected: '0', actual: String(orphans), holds: orphans === 0 },
    {
      name: 'well-formed and stamped',
      expected: 'finite, with a direction, of the new space',
      actual: `${malformed} are not`,
      holds: malformed === 0,
    },
  ];
}
