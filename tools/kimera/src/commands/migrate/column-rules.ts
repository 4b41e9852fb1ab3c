import type { MigrationState } from '@kimera/core';
import type { AdoptedTable, ObservedWrites } from '@kimera/store-postgres';
import { formatCount } from '../../console/format.js';

/** What INSERT and UPDATE of the application's vector column do now, and whether it writes. */
export async function columnRules(
  { column, writer }: NonNullable<AdoptedTable['vector']>,
  migration: MigrationState | null,
  { inserts, updates, last }: ObservedWrites,
): Promise<readonly string[]> {
  const { vectorColumnRules } = await import('@kimera/migration');
  const { insert, update } = vectorColumnRules(writer, column, migration);
  const seen =
    last === null
      ? 'no statement of your application has set it'
      : `your application set it in ${formatCount(inserts)} minutes by INSERT, ${formatCount(updates)} by UPDATE, last at ${last}`;
  return [
    `  ${column} is written by ${writer === 'application' ? 'your application' : 'the keeper'}; ${seen}`,
    `    INSERT: ${insert}`,
    `    UPDATE: ${update}`,
  ];
}
