import { randomUUID } from 'node:crypto';
import {
  CatchUpError,
  CollectionBrokenError,
  MigrationStateError,
  MigrationUnderWayError,
  NoMigrationError,
  TenantsInPlaceError,
  type CountedQuery,
  type EmbeddingSpace,
  type Figures,
  type LookedAtQuery,
  type Migration,
  type MigrationEvent,
  type MigrationStore,
  type NewVector,
  type PoisonRecord,
  type PoisonRow,
  type SourceRow,
  type SpaceSwitch,
  type SwitchResult,
  type Transition,
} from '@kimera/core';
import { z } from 'zod';
import { countPending, readPending } from './changes.js';
import { beginSwapOfSpaces } from './in-place/swap-spaces.js';
import { insertJudgedQueries, readJudgedQueries } from './judged-queries.js';
import { logEvent, MIGRATION_COLUMNS, migrationRow, readMigration, stateSchema } from './migration-rows.js';
import { excusePoison, readPoison, recordPoison } from './poison.js';
import { movePointers, readPendingOf } from './tenants.js';
import { readFaults } from './upkeep/faults.js';
import { writeFreshVectors } from './put-vectors.js';
import { SWITCH_LOCK_MILLISECONDS } from './limits.js';
import { readSource, readSpace, type HeldSpace } from './source.js';
import type { Database } from './sql/database.js';
import type { Queryable } from './sql/queryable.js';

const figure = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string()), z.array(z.number())]);
const eventRow = z
  .object({
    at: z.date(),
    actor: z.string(),
    event: z.string(),
    state: stateSchema,
    figures: z.record(z.string(), figure),
  })
  .transform(({ at, actor, ...rest }): MigrationEvent => ({ at: at.toISOString(), by: actor, ...rest }));

export class PostgresMigrations implements MigrationStore {
  constructor(private readonly database: Database) {}

  async createMigration(collection: string, target: EmbeddingSpace, by: string, figures: Figures): Promise<Migration> {
    return this.database.transaction(async (sql) => {
      const { activeSpace } = await readSource(sql, collection);
      const { space: source } = await readSpace(sql, collection, activeSpace);
      // One at a time for each collection, so that the second one finds the first.
      await sql.run('SELECT FROM kimera.collections WHERE name = $1 FOR UPDATE', [collection]);
      const last = await newest(sql, collection);
      if (last !== undefined && last.state !== 'retired')
        throw new MigrationUnderWayError(collection, last.id, last.state);
      const id = randomUUID();
      await sql.run(
        `INSERT INTO kimera.migrations (id, collection, source, target, state) VALUES ($1, $2, $3::jsonb, $4::jsonb, 'planned')`,
        [id, collection, JSON.stringify(source), JSON.stringify(target)],
      );
      const migration = await readMigration(sql, id);
      await logEvent(sql, migration, by, 'plan', figures);
      return migration;
    });
  }

  async latestMigration(collection: string): Promise<Migration> {
    const last = await newest(this.database, collection);
    if (last === undefined) throw new NoMigrationError(collection);
    return last;
  }

  async transition(migration: string, by: string, transition: Transition): Promise<Migration> {
    return this.database.transaction(async (sql) => {
      checkState(await readMigration(sql, migration, 'held'), transition);
      return moveState(sql, migration, by, transition);
    });
  }

  async note(migration: string, by: string, event: string, figures: Figures): Promise<void> {
    await this.database.transaction(async (sql) =>
      logEvent(sql, await readMigration(sql, migration), by, event, figures),
    );
  }

  async events(migration: string): Promise<readonly MigrationEvent[]> {
    await readMigration(this.database, migration);
    return this.database.rows(
      eventRow,
      'SELECT at, actor, event, state, figures FROM kimera.migration_events WHERE migration = $1 ORDER BY sequence',
      [migration],
    );
  }

  async judgedQueries(migration: string): Promise<readonly LookedAtQuery[]> {
    await readMigration(this.database, migration);
    return readJudgedQueries(this.database, migration);
  }

  async countQueries(migration: string, queries: readonly CountedQuery[]): Promise<number> {
    return this.database.transaction(async (sql) => {
      await readMigration(sql, migration, 'held');
      return insertJudgedQueries(sql, migration, queries);
    });
  }

  async switchSpace(
    migration: string,
    by: string,
    change: SpaceSwitch,
    embed: (rows: readonly SourceRow[]) => Promise<readonly NewVector[]>,
  ): Promise<SwitchResult> {
    let since = 0;
    // Of all attempts, the longest: writers waited behind those too that did not get the lock.
    let longest = 0;
    const blockedMilliseconds = (): number => (longest = Math.max(longest, performance.now() - since));
    const caughtUp = await this.database.transaction(
      async (sql) => {
        change.signal?.throwIfAborted();
        const held = await readMigration(sql, migration, 'held');
        checkState(held, change);
        const space = await readSpace(sql, held.collection, change.toSpace, 'held');
        since = performance.now();
        try {
          const written = await switchLocked(sql, held, space, change, embed);
          const figures = {
            ...change.figures,
            caughtUp: written,
            blockedMilliseconds: Math.round(blockedMilliseconds()),
          };
          const left = await sql.run('SELECT FROM kimera.pointers WHERE collection = $1 AND space = $2 LIMIT 1', [
            held.collection,
            change.from,
          ]);
          const to = left > 0 ? change.to : (change.whenNobodyIsLeft ?? change.to);
          await moveState(sql, migration, by, { ...change, to, figures });
          return written;
        } finally {
          blockedMilliseconds();
        }
      },
      { longestLock: SWITCH_LOCK_MILLISECONDS },
    );
    return { caughtUp, blockedMilliseconds: blockedMilliseconds() };
  }

  async recordPoison(migration: string, space: string, rows: readonly PoisonRow[]): Promise<void> {
    await this.database.transaction(async (sql) => {
      const { collection } = await readMigration(sql, migration);
      const source = await readSource(sql, collection);
      await recordPoison(sql, migration, source, await readSpace(sql, collection, space, 'held'), rows);
    });
  }

  async poison(migration: string): Promise<readonly PoisonRecord[]> {
    return this.database.transaction(async (sql) => {
      const { collection } = await readMigration(sql, migration);
      return readPoison(sql, migration, await readSource(sql, collection));
    });
  }

  async excuse(migration: string, by: string, ids: readonly string[]): Promise<number> {
    return this.database.transaction(async (sql) => {
      const held = await readMigration(sql, migration, 'held');
      const excused = await excusePoison(sql, migration, await readSource(sql, held.collection), ids);
      await logEvent(sql, held, by, 'excuse', { rows: excused.length, ids: excused });
      return excused.length;
    });
  }
}

/** Keeps writers of the collection waiting until the transaction ends. Returns how many vectors were written. */
async function switchLocked(
  sql: Queryable,
  held: Migration,
  space: HeldSpace,
  { from, toSpace, tenants, maxPending, signal }: SpaceSwitch,
  embed: (rows: readonly SourceRow[]) => Promise<readonly NewVector[]>,
): Promise<number> {
  const { collection } = held;
  const { table } = await readSource(sql, collection);
  const swap = await beginSwapOfSpaces(sql, held, toSpace);
  await sql.script(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
  const source = await readSource(sql, collection);
  if (tenants !== undefined && swap !== undefined) throw new TenantsInPlaceError(collection);
  await movePointers(sql, source, from, toSpace, tenants);
  const [fault] = (await readFaults(sql, collection)).filter(({ kind }) => kind !== 'unreadable');
  if (fault !== undefined) throw new CollectionBrokenError(collection, fault.kind, fault.detail);
  const waiting = tenants === undefined ? undefined : await readPendingOf(sql, source, space, tenants);
  const pending = waiting?.length ?? (await countPending(sql, source, space));
  if (pending > maxPending) throw new CatchUpError(pending, maxPending);
  const rows = waiting ?? (await readPending(sql, source, space, maxPending));
  const { written } = await writeFreshVectors(sql, source, space, rows.length === 0 ? [] : await embed(rows));
  const left =
    tenants === undefined
      ? await countPending(sql, source, space)
      : (await readPendingOf(sql, source, space, tenants)).length;
  if (left > 0) throw new CatchUpError(left, 0);
  await swap?.();
  signal?.throwIfAborted();
  return written;
}

async function newest(sql: Queryable, collection: string): Promise<Migration | undefined> {
  return sql.row(
    migrationRow,
    `SELECT ${MIGRATION_COLUMNS} FROM kimera.migrations WHERE collection = $1 ORDER BY sequence DESC LIMIT 1`,
    [collection],
  );
}

function checkState({ id, state }: Migration, { event, expected }: Transition): void {
  if (!expected.includes(state)) throw new MigrationStateError(id, event, state, expected);
}

async function moveState(
  sql: Queryable,
  id: string,
  by: string,
  { to, event, figures }: Transition,
): Promise<Migration> {
  await sql.run('UPDATE kimera.migrations SET state = $2 WHERE id = $1', [id, to]);
  const moved = await readMigration(sql, id);
  await logEvent(sql, moved, by, event, figures);
  return moved;
}
