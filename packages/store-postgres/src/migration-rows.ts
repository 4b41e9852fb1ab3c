import { UnknownMigrationError, type Figures, type Migration, type MigrationState } from '@kimera/core';
import { z } from 'zod';
import { parseSpace } from './parse-space.js';
import type { Queryable } from './sql/queryable.js';

export const stateSchema = z.enum([
  'planned',
  'backfilling',
  'paused',
  'verifying',
  'ready',
  'cut-over',
  'rolled-back',
  'retired',
] satisfies MigrationState[]);

export const migrationRow = z
  .object({
    id: z.string(),
    collection: z.string(),
    source: z.unknown(),
    target: z.unknown(),
    state: stateSchema,
    created: z.date(),
  })
  .transform(({ source, target, created, ...rest }): Migration => ({
    ...rest,
    source: parseSpace(source),
    target: parseSpace(target),
    created: created.toISOString(),
  }));
export const MIGRATION_COLUMNS = 'id, collection, source, target, state, created';

/** `held`: no other transaction changes it until this one ends. @throws UnknownMigrationError. */
export async function readMigration(sql: Queryable, id: string, locking: 'free' | 'held' = 'free'): Promise<Migration> {
  const migration = await sql.row(
    migrationRow,
    `SELECT ${MIGRATION_COLUMNS} FROM kimera.migrations WHERE id = $1 ${locking === 'held' ? 'FOR UPDATE' : ''}`,
    [id],
  );
  if (migration === undefined) throw new UnknownMigrationError(id);
  return migration;
}

export async function logEvent(
  sql: Queryable,
  { id, state }: Pick<Migration, 'id' | 'state'>,
  by: string,
  event: string,
  figures: Figures,
): Promise<void> {
  await sql.run(
    'INSERT INTO kimera.migration_events (migration, actor, event, state, figures) VALUES ($1, $2, $3, $4, $5::jsonb)',
    [id, by, event, state, JSON.stringify(figures)],
  );
}
