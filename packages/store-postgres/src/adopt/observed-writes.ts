import { z } from 'zod';
import { watchedTables } from '../schema/capture.js';
import type { Source } from '../source.js';
import { literal, quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';

/** One note a minute and kind of statement is enough to know that somebody writes; kept this long. */
const NOTE_EVERY = '1 minute';
const NOTES_KEPT = '30 days';
/** Notes that one new note removes: two a minute are written, so this keeps up. */
const REMOVED_AT_ONCE = 10;

/** A setting of the transaction. */
const OWN_WRITES = 'kimera.own_writes';

/** From here to the end of the transaction, what it writes is not the application's. */
export async function markOwnWrites(sql: Queryable): Promise<void> {
  await sql.run('SELECT set_config($1, $2, true)', [OWN_WRITES, 'on']);
}

/** Whether the application writes its vector column. */
export interface ObservedWrites {
  /** Minutes in which an INSERT or an UPDATE set the column. */
  readonly inserts: number;
  readonly updates: number;
  /** ISO 8601; null: none was seen. */
  readonly last: string | null;
}

/**
 * Notes statements that set the application's vector column, at most one a minute and kind. A note waits for nobody and
 * fails no statement. What this program writes itself is not noted ({@link markOwnWrites}).
 */
export async function observeVectorWrites(sql: Queryable, source: Source, column: string): Promise<void> {
  const { name, key } = source;
  const value = quoted(column);
  const collection = literal(name);
  const keys = key.columns.map((each) => `n.${quoted(each.name)} = o.${quoted(each.name)}`).join(' AND ');
  const body = `
    DECLARE seen boolean := false;
    BEGIN
      IF current_setting('${OWN_WRITES}', true) = 'on' OR EXISTS (
        SELECT FROM kimera.observed_writes w WHERE w.collection = ${collection} AND w.operation = TG_OP AND w.at > clock_timestamp() - interval '${NOTE_EVERY}'
      ) THEN
        RETURN NULL;
      END IF;
      IF TG_OP = 'INSERT' THEN
        seen := EXISTS (SELECT FROM new_rows n WHERE n.${value} IS NOT NULL);
      ELSE
        -- Compared byte by byte: that needs no operator of the column's own type.
        seen := EXISTS (SELECT FROM new_rows n JOIN old_rows o ON ${keys} WHERE record_image_ne(ROW(n.${value}), ROW(o.${value})));
      END IF;
      IF seen THEN
        INSERT INTO kimera.observed_writes (collection, operation) VALUES (${collection}, TG_OP);
        DELETE FROM kimera.observed_writes WHERE sequence IN (
          SELECT w.sequence FROM kimera.observed_writes w WHERE w.at < clock_timestamp() - interval '${NOTES_KEPT}' ORDER BY w.sequence LIMIT ${REMOVED_AT_ONCE} FOR UPDATE SKIP LOCKED
        );
      END IF;
      RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
      -- A column that is gone is the capture's to tell.
      RETURN NULL;
    END`;
  const run = `EXECUTE FUNCTION ${observeFunction(name)}()`;
  await sql.script(
    `CREATE OR REPLACE FUNCTION ${observeFunction(name)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ${literal(body)}`,
  );
  const triggers = (await watchedTables(sql, source)).map(
    (table) => `
    CREATE OR REPLACE TRIGGER kimera_vector_inserted AFTER INSERT ON ${table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT ${run};
    CREATE OR REPLACE TRIGGER kimera_vector_updated AFTER UPDATE ON ${table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT ${run};`,
  );
  await sql.script(triggers.join(''));
}

/** Takes the triggers off every table that has them. */
export async function dropObservation(sql: Queryable, collection: string): Promise<void> {
  await sql.script(`DROP FUNCTION IF EXISTS ${observeFunction(collection)}() CASCADE`);
}

/** What the application wrote into its vector column since then. @param since all that is known where absent. */
export async function observedVectorWrites(sql: Queryable, collection: string, since?: Date): Promise<ObservedWrites> {
  const row = await sql.row(
    z.object({ inserts: z.number(), updates: z.number(), last: z.date().nullable() }),
    `SELECT count(*) FILTER (WHERE operation = 'INSERT')::float8 AS inserts, count(*) FILTER (WHERE operation = 'UPDATE')::float8 AS updates, max(at) AS last
     FROM kimera.observed_writes WHERE collection = $1 AND at >= coalesce($2::timestamptz, '-infinity')`,
    [collection, since?.toISOString() ?? null],
  );
  return { inserts: row?.inserts ?? 0, updates: row?.updates ?? 0, last: row?.last?.toISOString() ?? null };
}

function observeFunction(collection: string): string {
  return quoted('kimera', `${collection}_observe`);
}
