import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import type { Source } from '../source.js';
import { pendingTable, vectorsTable } from './space-tables.js';

/**
 * The triggers that watch a source table: a row whose text is new loses its vectors and is queued in every space of the
 * collection. Deletes are the foreign keys' (space-tables.ts). Rows that are copied in with `session_replication_role =
 * replica` are not seen.
 */
export async function createCapture(sql: Queryable, source: Source): Promise<void> {
  await replaceCapture(sql, source, []);
  const run = `EXECUTE FUNCTION ${captureFunction(source)}()`;
  await sql.script(`
    CREATE TRIGGER kimera_inserted AFTER INSERT ON ${source.table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT ${run};
    CREATE TRIGGER kimera_updated AFTER UPDATE ON ${source.table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT ${run};
  `);
}

/**
 * The function has the names of the spaces in its text, so that a transaction whose snapshot is older than a space
 * still runs it: definitions are not read by snapshot. To be called while the source table is locked against writers.
 */
export async function replaceCapture(sql: Queryable, source: Source, spaces: readonly string[]): Promise<void> {
  const changes = spaces.map(
    (space) => `
        DELETE FROM ${quoted('kimera', vectorsTable(source.name, space))} WHERE id = ANY (changed);
        INSERT INTO ${quoted('kimera', pendingTable(source.name, space))} (id) SELECT unnest(changed) ON CONFLICT DO NOTHING;`,
  );
  await sql.script(`
    CREATE OR REPLACE FUNCTION ${captureFunction(source)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $capture$
    DECLARE changed text[];
    BEGIN
      IF TG_OP = 'INSERT' THEN
        changed := ARRAY (SELECT ${source.id} FROM new_rows);
      ELSE
        changed := ARRAY (SELECT n.${source.id} FROM new_rows n WHERE NOT EXISTS (SELECT FROM old_rows o WHERE o.${source.id} = n.${source.id} AND o.${source.text} = n.${source.text}));
      END IF;
      IF cardinality(changed) > 0 THEN
        NULL;${changes.join('')}
      END IF;
      RETURN NULL;
    END $capture$`);
}

function captureFunction({ name }: Source): string {
  return quoted('kimera', `${name}_capture`);
}
