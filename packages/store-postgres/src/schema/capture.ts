import { z } from 'zod';
import { rowsOf, type Source } from '../source.js';
import { literal, quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { pendingTable } from './space-tables.js';

/** Of INSERT, UPDATE, DELETE and TRUNCATE. */
const TRIGGERS = ['kimera_inserted', 'kimera_updated', 'kimera_deleted', 'kimera_truncated'] as const;

/**
 * Watches the source table for these spaces, and its partitions, since the triggers of a table see only statements that
 * name it. To be called while the table is locked against writers. Partitions that are made later and written to by
 * their own name are not seen until they are watched too; nor is what a session with `session_replication_role = replica`
 * writes, where this role is not the owner of the table.
 */
export async function createCapture(sql: Queryable, source: Source, spaces: readonly string[]): Promise<void> {
  await replaceCapture(sql, source, spaces);
  const run = `EXECUTE FUNCTION ${captureFunction(source)}()`;
  const tables = await watchedTables(sql, source);
  const triggers = tables.map(
    (table) => `
    CREATE OR REPLACE TRIGGER kimera_inserted AFTER INSERT ON ${table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT ${run};
    CREATE OR REPLACE TRIGGER kimera_updated AFTER UPDATE ON ${table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT ${run};
    CREATE OR REPLACE TRIGGER kimera_deleted AFTER DELETE ON ${table} REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT ${run};
    CREATE OR REPLACE TRIGGER kimera_truncated AFTER TRUNCATE ON ${table} FOR EACH STATEMENT ${run};`,
  );
  await sql.script(triggers.join(''));
  await fireAlways(sql, tables);
  await sql.run(`UPDATE kimera.collections SET watch = ${watchOf('$2')} WHERE name = $1`, [
    source.name,
    `${captureFunction(source)}()`,
  ]);
}

/** A restore writes as a replica. Only the owner of a table may say so. */
async function fireAlways(sql: Queryable, tables: readonly string[]): Promise<void> {
  const own = await sql.rows(
    z.object({ name: z.string() }),
    `SELECT w.name FROM unnest($1::text[]) AS w (name) JOIN pg_class c ON c.oid = w.name::regclass WHERE pg_has_role(c.relowner, 'USAGE')`,
    [tables],
  );
  await sql.script(
    own
      .flatMap(({ name }) => TRIGGERS.map((trigger) => `ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${trigger};`))
      .join(''),
  );
}

/**
 * SQL: a digest of the triggers that run a function, each with the transaction that last changed it. It is another one
 * once a trigger was switched off, on again or made anew, or a partition was dropped.
 */
function watchOf(triggerFunction: string): string {
  return `(SELECT encode(sha256(convert_to(coalesce(string_agg(t.tgrelid::text || ' ' || t.tgname || ' ' || t.xmin::text, ',' ORDER BY t.tgrelid, t.tgname), ''), 'UTF8')), 'hex') FROM pg_trigger t WHERE t.tgfoid = to_regprocedure(${triggerFunction}))`;
}

/** False where the triggers were not there, or off, for a while: what changed meanwhile was not seen. */
export async function isWatchUnbroken(sql: Queryable, source: Source): Promise<boolean> {
  return (
    (await sql.run(`SELECT FROM kimera.collections WHERE name = $1 AND watch = ${watchOf('$2')}`, [
      source.name,
      `${captureFunction(source)}()`,
    ])) > 0
  );
}

/** Takes the triggers off all tables that have them, whatever they are called by now. */
export async function dropCapture(sql: Queryable, source: Pick<Source, 'name'>): Promise<void> {
  await sql.script(`DROP FUNCTION IF EXISTS ${captureFunction(source)}() CASCADE`);
}

/**
 * What the triggers run. It only inserts, without a unique constraint that could be in the way, and notes as a fault of
 * the collection what it cannot do: no statement of the application fails or waits through it, at any isolation level.
 * It runs with the rights of whoever made it. A fault that is known is noted again only where the transaction may not
 * see that it was mended: at READ COMMITTED each statement sees it.
 *
 * The function has the names of the tables in its text, so that a transaction whose snapshot is older than a space still
 * runs it: definitions are not read by snapshot. A name that is a column of the table and of a variable too, `found` or
 * `state`, is the column.
 */
export async function replaceCapture(sql: Queryable, source: Source, spaces: readonly string[]): Promise<void> {
  const { key } = source;
  const queue = (changed: string): string => {
    const inserts = spaces.map(
      (space) =>
        `INSERT INTO ${quoted('kimera', pendingTable(source.name, space))} (${key.list}) SELECT ${key.list} FROM changed`,
    );
    const others = inserts.slice(1).map((insert, i) => `, also_${i + 1} AS (${insert})`);
    return `WITH changed AS (${changed})${others.join('')} ${inserts[0] ?? 'SELECT'}`;
  };
  const name = literal(source.name);
  const body = `
    #variable_conflict use_column
    DECLARE
      state text;
      detail text;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        ${queue(`SELECT ${key.of('d')} FROM ${rowsOf(source, 'new_rows')} d`)};
      ELSIF TG_OP = 'DELETE' THEN
        ${queue(`SELECT ${key.of('d')} FROM ${rowsOf(source, 'old_rows')} d`)};
      ELSIF TG_OP = 'UPDATE' THEN
        -- Keys whose text is not the same before and after. Rows pair by sorting: a plan that is kept in a session fits any number of them.
        ${queue(`SELECT DISTINCT ${key.of('u')} FROM (
          SELECT ${key.of('d')}, d.text, 1 AS side FROM ${rowsOf(source, 'new_rows')} d
          UNION ALL SELECT ${key.of('d')}, d.text, -1 FROM ${rowsOf(source, 'old_rows')} d
        ) u GROUP BY ${key.of('u')}, u.text COLLATE "C" HAVING sum(u.side) <> 0`)};
      ELSE
        INSERT INTO kimera.collection_faults (collection, kind, detail) VALUES (${name}, 'truncated', format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME));
      END IF;
      RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
      BEGIN
        IF current_setting('transaction_isolation') <> 'read committed'
          OR NOT EXISTS (SELECT FROM kimera.collection_faults f WHERE f.collection = ${name} AND f.kind = 'capture') THEN
          INSERT INTO kimera.collection_faults (collection, kind, detail) VALUES (${name}, 'capture', format('%s of %I.%I: %s (%s)', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, detail, state));
        END IF;
      EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'kimera: a change of collection % was not noted: % (%)', ${name}, detail, state;
      END;
      RETURN NULL;
    END`;
  await sql.script(
    `CREATE OR REPLACE FUNCTION ${captureFunction(source)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ${literal(body)}`,
  );
}

/** The source table and those of its partitions that lack a trigger, or have one switched off; for people. */
export async function unwatchedTables(sql: Queryable, source: Source): Promise<readonly string[]> {
  const rows = await sql.rows(
    z.object({ name: z.string() }),
    `SELECT w.name FROM unnest($1::text[]) AS w (name)
     WHERE (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = w.name::regclass AND t.tgfoid = to_regprocedure($2) AND t.tgenabled IN ('O', 'A')) < ${TRIGGERS.length}`,
    [await watchedTables(sql, source), `${captureFunction(source)}()`],
  );
  return rows.map(({ name }) => name);
}

/** Quoted for SQL: the source table, and its partitions where it is partitioned. */
export async function watchedTables(sql: Queryable, { table }: Source): Promise<readonly string[]> {
  const rows = await sql.rows(
    z.object({ name: z.string() }),
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND (c.oid = $1::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree($1::regclass))) ORDER BY c.oid`,
    [table],
  );
  return rows.map(({ name }) => name);
}

function captureFunction({ name }: Pick<Source, 'name'>): string {
  return quoted('kimera', `${name}_capture`);
}
