import { shortFingerprint, type EmbeddingSpace } from '@kimera/core';
import type pg from 'pg';
import { literal, quoted } from '../sql/identifier.js';
import { SCHEMA_VERSIONS } from './versions.js';

/** The schema as a program of version 1 or 2 left it, in place of the present one. */
export async function makeOldSchema(client: pg.Pool, version: 1 | 2): Promise<void> {
  await client.query(`
    DROP SCHEMA kimera CASCADE;
    CREATE SCHEMA kimera;
    CREATE TABLE kimera.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now());
    ${SCHEMA_VERSIONS.slice(0, version).join('')}
    INSERT INTO kimera.schema_version (version) SELECT generate_series(1, ${version})`);
}

/** A collection with these spaces, the first being active, as such a program made it. */
export async function makeOldCollection(
  client: pg.Pool,
  version: 1 | 2,
  name: string,
  spaces: readonly EmbeddingSpace[],
): Promise<void> {
  const [table, run] = [quoted('public', name), `EXECUTE FUNCTION ${quoted('kimera', `${name}_capture`)}()`];
  const reference = `text COLLATE "C" PRIMARY KEY REFERENCES ${table} (id) ON DELETE CASCADE ON UPDATE CASCADE`;
  const tables = spaces.map((space) => {
    const short = shortFingerprint(space.fingerprint);
    return { space, vectors: `${name}_vectors_${short}`, pending: `${name}_pending_${short}` };
  });
  const records = tables.map(
    ({ space, vectors, pending }) => `
    INSERT INTO kimera.spaces VALUES (${literal(space.fingerprint)}, ${literal(space.modelId)}, ${literal(JSON.stringify(space))}) ON CONFLICT DO NOTHING;
    INSERT INTO kimera.collection_spaces (collection, space, vectors_table, pending_table) VALUES (${literal(name)}, ${literal(space.fingerprint)}, ${literal(vectors)}, ${literal(pending)});
    CREATE TABLE kimera.${quoted(vectors)} (
      id ${reference}, content_hash bytea NOT NULL, space text NOT NULL, variant text NOT NULL,
      ${version === 1 ? '' : 'tokenizer_revision smallint NOT NULL DEFAULT 1,'} truncated boolean NOT NULL, embedding vector(${space.dimension}) NOT NULL
    );
    CREATE TABLE kimera.${quoted(pending)} (id ${reference}, sequence bigint GENERATED ALWAYS AS IDENTITY);`,
  );
  const changes = tables.map(
    ({ vectors, pending }) => `
        DELETE FROM kimera.${quoted(vectors)} WHERE id = ANY (changed);
        INSERT INTO kimera.${quoted(pending)} (id) SELECT unnest(changed) ON CONFLICT DO NOTHING;`,
  );
  await client.query(`
    CREATE TABLE ${table} (id text COLLATE "C" PRIMARY KEY, text text NOT NULL);
    INSERT INTO kimera.collections (name, source_schema, source_table, id_column, text_column) VALUES (${literal(name)}, 'public', ${literal(name)}, 'id', 'text');
    ${records.join('')}
    INSERT INTO kimera.pointers (collection, space) VALUES (${literal(name)}, ${literal(spaces[0]?.fingerprint ?? '')});
    CREATE FUNCTION ${quoted('kimera', `${name}_capture`)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $capture$
    DECLARE changed text[];
    BEGIN
      IF TG_OP = 'INSERT' THEN
        changed := ARRAY (SELECT id FROM new_rows);
      ELSE
        changed := ARRAY (SELECT n.id FROM new_rows n WHERE NOT EXISTS (SELECT FROM old_rows o WHERE o.id = n.id AND o.text = n.text));
      END IF;
      IF cardinality(changed) > 0 THEN
        NULL;${changes.join('')}
      END IF;
      RETURN NULL;
    END $capture$;
    CREATE TRIGGER kimera_inserted AFTER INSERT ON ${table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT ${run};
    CREATE TRIGGER kimera_updated AFTER UPDATE ON ${table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT ${run};`);
}
