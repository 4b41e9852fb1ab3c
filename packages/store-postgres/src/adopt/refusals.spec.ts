import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AdoptionRequest } from '@kimera/core';
import { fakeSpace, rejection } from '@kimera/testing';
import type { PostgresStore } from '../postgres-store.js';
import { openStore } from '../open-store.js';
import { openServer, TEST_DATABASES, TEST_SERVER, type TestDatabase } from '../test-databases.fixture.js';

const SPACE = fakeSpace('adopting', { dimension: 3 });
const SCHEMA = 'adopt_refusals';

interface Refusal {
  readonly code: string;
  /** What the message must tell beside the name of the table. */
  readonly says: string;
  readonly sql?: string;
  readonly request: AdoptionRequest;
}

const in_ = (name: string): string => `${SCHEMA}.${name}`;
const TABLE = 'id bigint PRIMARY KEY, content text, embedding vector(3)';
const WRITER = { vectorWriter: 'application' } as const;

const REFUSALS: Readonly<Record<string, Refusal>> = {
  'no such table': { code: 'TABLE_NOT_FOUND', says: 'docs', request: { table: 'no_such_table' } },
  'a name in no form': { code: 'TABLE_NOT_FOUND', says: 'schema.table', request: { table: 'a.b.c.d' } },
  'a view': {
    code: 'VIEW_SOURCE',
    says: 'Adopt the table that it reads',
    sql: `CREATE VIEW view_of AS SELECT * FROM docs`,
    request: { table: in_('view_of') },
  },
  'a materialised view': {
    code: 'MATERIALISED_VIEW_SOURCE',
    says: 'REFRESH',
    sql: `CREATE MATERIALIZED VIEW stored_view AS SELECT * FROM docs`,
    request: { table: in_('stored_view') },
  },
  'a foreign table': {
    code: 'FOREIGN_TABLE_SOURCE',
    says: 'the other server',
    sql: `CREATE FOREIGN DATA WRAPPER nowhere_${SCHEMA}; CREATE SERVER nowhere_${SCHEMA} FOREIGN DATA WRAPPER nowhere_${SCHEMA}; CREATE FOREIGN TABLE far (id bigint, content text) SERVER nowhere_${SCHEMA}`,
    request: { table: in_('far') },
  },
  'an index': { code: 'NOT_A_TABLE', says: 'it is a index', request: { table: in_('docs_pkey') } },
  'a sequence': {
    code: 'NOT_A_TABLE',
    says: 'sequence',
    sql: 'CREATE SEQUENCE numbers',
    request: { table: in_('numbers') },
  },
  'a table of PostgreSQL': {
    code: 'SYSTEM_TABLE',
    says: 'PostgreSQL itself',
    request: { table: 'pg_catalog.pg_class' },
  },
  'a table of ours': { code: 'OWN_TABLE', says: 'this program', request: { table: 'kimera.spaces' } },
  'the table of a collection': {
    code: 'TABLE_ADOPTED',
    says: 'unadopt --collection',
    request: { table: 'public.made_here' },
  },
  'one partition': {
    code: 'PARTITION_SOURCE',
    says: in_('parted'),
    sql: `CREATE TABLE parted (id bigint PRIMARY KEY, content text) PARTITION BY HASH (id); CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0)`,
    request: { table: in_('parted_0') },
  },
  'a table with children': {
    code: 'INHERITED_TABLE',
    says: in_('child'),
    sql: `CREATE TABLE parent (${TABLE}); CREATE TABLE child () INHERITS (parent)`,
    request: { table: in_('parent') },
  },
  'no key at all': {
    code: 'NO_KEY',
    says: 'ADD PRIMARY KEY',
    sql: 'CREATE TABLE keyless (id bigint, content text)',
    request: { table: in_('keyless') },
  },
  'an id that is not unique': {
    code: 'KEY_NOT_UNIQUE',
    says: 'no unique index is over exactly these columns',
    request: { table: in_('docs'), id: ['content'] },
  },
  'an id that is a part of the key': {
    code: 'KEY_NOT_UNIQUE',
    says: 'a,b',
    sql: 'CREATE TABLE pairs (a bigint, b bigint, content text, PRIMARY KEY (a, b))',
    request: { table: in_('pairs'), id: ['a'] },
  },
  'a unique index of some rows': {
    code: 'KEY_NOT_UNIQUE',
    says: 'is partial',
    sql: 'CREATE TABLE some_rows (id bigint NOT NULL, content text); CREATE UNIQUE INDEX ON some_rows (id) WHERE id > 0',
    request: { table: in_('some_rows'), id: ['id'] },
  },
  'a deferrable key': {
    code: 'KEY_NOT_UNIQUE',
    says: 'is deferrable',
    sql: 'CREATE TABLE later (id bigint PRIMARY KEY DEFERRABLE, content text)',
    request: { table: in_('later'), id: ['id'] },
  },
  'an id that may be NULL': {
    code: 'NULLABLE_KEY',
    says: 'SET NOT NULL',
    sql: 'CREATE TABLE maybe (id bigint UNIQUE, content text)',
    request: { table: in_('maybe'), id: ['id'] },
  },
  'an id of another type': {
    code: 'KEY_TYPE',
    says: 'numeric',
    sql: 'CREATE TABLE numeric_id (id numeric PRIMARY KEY, content text)',
    request: { table: in_('numeric_id') },
  },
  'an id of an enum': {
    code: 'KEY_TYPE',
    says: 'mood',
    sql: `CREATE TYPE mood AS ENUM ('low', 'high'); CREATE TABLE moods (id mood PRIMARY KEY, content text)`,
    request: { table: in_('moods') },
  },
  'an id of a domain': {
    code: 'KEY_TYPE',
    says: 'positive',
    sql: 'CREATE DOMAIN positive AS bigint CHECK (VALUE > 0); CREATE TABLE positives (id positive PRIMARY KEY, content text)',
    request: { table: in_('positives') },
  },
  'an id that is padded with blanks': {
    code: 'KEY_TYPE',
    says: 'character(8)',
    sql: 'CREATE TABLE padded (id char(8) PRIMARY KEY, content text)',
    request: { table: in_('padded') },
  },
  'a text of a domain': {
    code: 'TEXT_TYPE',
    says: '(content)::text',
    sql: 'CREATE DOMAIN prose AS text; CREATE TABLE essays (id bigint PRIMARY KEY, content prose)',
    request: { table: in_('essays'), text: 'content' },
  },
  'two tenants': {
    code: 'UNKNOWN_COLUMN',
    says: '--tenant',
    request: { table: in_('docs'), tenant: 'id,content', ...WRITER },
  },
  'an id whose collation takes two texts for one': {
    code: 'KEY_COLLATION',
    says: 'nondeterministic',
    sql: `CREATE TABLE folded (id text PRIMARY KEY, content text)`,
    request: { table: in_('folded') },
  },
  'an id column that is not there': {
    code: 'UNKNOWN_COLUMN',
    says: '--id',
    request: { table: in_('docs'), id: ['nope'] },
  },
  'a tenant that is not there': {
    code: 'UNKNOWN_COLUMN',
    says: '--tenant',
    request: { table: in_('docs'), tenant: 'nope', ...WRITER },
  },
  'a vector that is not there': {
    code: 'UNKNOWN_COLUMN',
    says: '--vector',
    request: { table: in_('docs'), vector: 'nope', ...WRITER },
  },
  'a tenant of another type': {
    code: 'TENANT_TYPE',
    says: 'jsonb',
    sql: 'CREATE TABLE tenants (id bigint PRIMARY KEY, content text, owner jsonb)',
    request: { table: in_('tenants'), tenant: 'owner' },
  },
  'several texts': {
    code: 'TEXT_UNDECIDED',
    says: `"question || ' ' || answer"`,
    sql: 'CREATE TABLE several (id bigint PRIMARY KEY, question text, answer text)',
    request: { table: in_('several') },
  },
  'no text': {
    code: 'TEXT_UNDECIDED',
    says: 'no column of a text type',
    sql: 'CREATE TABLE textless (id bigint PRIMARY KEY, data jsonb)',
    request: { table: in_('textless') },
  },
  'a text column of another type': {
    code: 'TEXT_TYPE',
    says: `data ->> 'text'`,
    sql: 'CREATE TABLE documents_of (id bigint PRIMARY KEY, data jsonb)',
    request: { table: in_('documents_of'), text: 'data' },
  },
  'a text that is a number': {
    code: 'TEXT_TYPE',
    says: '(length(content))::text',
    request: { table: in_('docs'), text: 'length(content)', ...WRITER },
  },
  'a text of a column that is not there': {
    code: 'TEXT_EXPRESSION',
    says: 'titel',
    request: { table: in_('docs'), text: `titel || ' ' || content`, ...WRITER },
  },
  'a text that is no SQL': {
    code: 'TEXT_EXPRESSION',
    says: 'syntax error',
    request: { table: in_('docs'), text: 'content ||', ...WRITER },
  },
  'a text that goes on with another statement': {
    code: 'TEXT_EXPRESSION',
    says: 'multiple commands',
    request: { table: in_('docs'), text: `content) FROM docs; DROP TABLE docs; SELECT (1`, ...WRITER },
  },
  'a text that closes too early': {
    code: 'TEXT_EXPRESSION',
    says: 'syntax error',
    request: { table: in_('docs'), text: 'content) --', ...WRITER },
  },
  'a text that time changes': {
    code: 'TEXT_NOT_IMMUTABLE',
    says: 'now',
    request: { table: in_('docs'), text: `content || now()::text`, ...WRITER },
  },
  'a text that a setting changes': {
    code: 'TEXT_NOT_IMMUTABLE',
    says: 'concat is stable',
    request: { table: in_('docs'), text: `concat(content, 'x')`, ...WRITER },
  },
  'a text with a subquery': {
    code: 'TEXT_BEYOND_ROW',
    says: 'subquery',
    request: { table: in_('docs'), text: `content || (SELECT max(content) FROM ${in_('docs')})`, ...WRITER },
  },
  'a text of all rows': {
    code: 'TEXT_BEYOND_ROW',
    says: 'aggregate',
    request: { table: in_('docs'), text: 'max(content)', ...WRITER },
  },
  'a text of the rows beside it': {
    code: 'TEXT_BEYOND_ROW',
    says: 'window',
    request: { table: in_('docs'), text: 'lag(content) OVER ()', ...WRITER },
  },
  'a text of many rows': {
    code: 'TEXT_BEYOND_ROW',
    says: 'set-returning',
    request: { table: in_('docs'), text: `regexp_split_to_table(content, ' ')`, ...WRITER },
  },
  'a text that its trigger could not compute, whose search path is another': {
    code: 'TEXT_EXPRESSION',
    says: 'part_of',
    sql: `CREATE FUNCTION part_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left($1, 9)'; CREATE FUNCTION shown_of(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN part_of($1); END';
      CREATE TABLE short (${TABLE}); INSERT INTO short VALUES (1, 'a')`,
    request: { table: in_('short'), text: `${SCHEMA}.shown_of(content)`, ...WRITER },
  },
  'several columns of vectors': {
    code: 'VECTOR_UNDECIDED',
    says: 'title_embedding, body_embedding',
    sql: 'CREATE TABLE two_vectors (id bigint PRIMARY KEY, content text, title_embedding vector(3), body_embedding vector(3))',
    request: { table: in_('two_vectors') },
  },
  'a column that holds no vectors': {
    code: 'VECTOR_TYPE',
    says: 'text',
    request: { table: in_('docs'), vector: 'content', ...WRITER },
  },
  'a column of sparse vectors': {
    code: 'VECTOR_TYPE',
    says: 'sparsevec',
    sql: 'CREATE TABLE sparse (id bigint PRIMARY KEY, content text, embedding sparsevec(3))',
    request: { table: in_('sparse'), vector: 'embedding', ...WRITER },
  },
  'vectors of another dimension': {
    code: 'VECTOR_DIMENSION',
    says: '4 numbers, those of fake/adopting have 3',
    sql: 'CREATE TABLE wide (id bigint PRIMARY KEY, content text, embedding halfvec(4))',
    request: { table: in_('wide'), ...WRITER },
  },
  'no word on who writes the vectors': {
    code: 'VECTOR_WRITER_MISSING',
    says: '--vector-writer keeper',
    request: { table: in_('docs') },
  },
  'a writer without a column': {
    code: 'VECTOR_WRITER_WITHOUT_COLUMN',
    says: '--vector',
    request: { table: in_('docs'), vector: null, ...WRITER },
  },
  'a keeper for a column that it cannot write': {
    code: 'KEEPER_COLUMN',
    says: 'of type jsonb',
    sql: 'CREATE TABLE json_vectors (id bigint PRIMARY KEY, content text, embedding jsonb)',
    request: { table: in_('json_vectors'), vectorWriter: 'keeper' },
  },
  'a keeper for a column that PostgreSQL computes': {
    code: 'KEEPER_COLUMN',
    says: 'computes',
    sql: `CREATE TABLE computed (id bigint PRIMARY KEY, content text, embedding real[] GENERATED ALWAYS AS ('{1,2,3}'::real[]) STORED)`,
    request: { table: in_('computed'), vectorWriter: 'keeper' },
  },
  'a name that is taken': {
    code: 'COLLECTION_EXISTS',
    says: 'made_here',
    request: { table: in_('docs'), collection: 'made_here', ...WRITER },
  },
  'a name that is none': {
    code: 'INVALID_COLLECTION_NAME',
    says: 'Docs!',
    request: { table: in_('docs'), collection: 'Docs!', ...WRITER },
  },
  // PGlite has no subscriptions.
  ...(TEST_SERVER === undefined
    ? {}
    : {
        'a table that logical replication writes': {
          code: 'SUBSCRIBED_TABLE',
          says: `news_${SCHEMA}`,
          sql: `CREATE TABLE copied (${TABLE}); CREATE SUBSCRIPTION news_${SCHEMA} CONNECTION 'dbname=nowhere' PUBLICATION news WITH (connect = false, slot_name = NONE);
      INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, 'copied'::regclass, 'r' FROM pg_subscription WHERE subname = 'news_${SCHEMA}'`,
          request: { table: in_('copied'), ...WRITER },
        },
      }),
};

describe.each(TEST_DATABASES)('a table that cannot be adopted on %s', (_, open) => {
  let database: TestDatabase;
  let before: unknown;
  const sql = (text: string) => database.application.pool.query(`SET search_path = ${SCHEMA}, public; ${text}`);
  const check = (request: AdoptionRequest, store: PostgresStore = database.owner) =>
    rejection(async () => (await store.adoption.check(request, SPACE)).begin(null));

  beforeAll(async () => {
    database = await open();
    await cleanUp();
    await sql(`CREATE SCHEMA ${SCHEMA}`);
    await sql(`CREATE TABLE docs (${TABLE})`);
    const known = await rejection(() => database.owner.collections.collection('made_here'));
    if (known !== undefined) await database.owner.collections.createCollection('made_here', SPACE);
    for (const { sql: text } of Object.values(REFUSALS)) if (text !== undefined) await sql(text);
    // PGlite and some servers have no ICU: the catalog is told what such a collation is.
    await sql(`CREATE COLLATION alike FROM "C"; UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'alike' AND collnamespace = '${SCHEMA}'::regnamespace;
      UPDATE pg_attribute SET attcollation = '${SCHEMA}.alike'::regcollation WHERE attrelid = 'folded'::regclass AND attname = 'id'`);
    before = await everything();
  }, 60_000);
  afterAll(async () => {
    await cleanUp();
    await database.close();
  });

  async function cleanUp(): Promise<void> {
    // No transaction may drop one.
    await database.application.pool.query(`DROP SUBSCRIPTION IF EXISTS news_${SCHEMA}`);
    await sql(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE; DROP FOREIGN DATA WRAPPER IF EXISTS nowhere_${SCHEMA} CASCADE`);
  }

  /** All names of the database, and the rows that say what a collection is. */
  async function everything(): Promise<unknown> {
    const { rows } = await database.application.pool.query(
      `SELECT (SELECT json_agg(relname ORDER BY oid) FROM pg_class WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'pg_toast', 'information_schema')) AS relations,
        (SELECT json_agg(tgname ORDER BY oid) FROM pg_trigger) AS triggers, (SELECT json_agg(proname ORDER BY oid) FROM pg_proc WHERE pronamespace = 'kimera'::regnamespace) AS functions,
        (SELECT json_agg(name) FROM kimera.collections) AS collections`,
    );
    return rows;
  }

  it.each(Object.entries(REFUSALS))('%s', async (name, { code, says, request }) => {
    const error = await check(request);
    expect({ name, error }).toMatchObject({ name, error: { code } });
    expect(String(error)).toContain(says);
  });

  it('a text of a column that is computed when it is read, where there are such columns', async () => {
    const made = await rejection(() =>
      sql(
        `CREATE TABLE read_only_text (id bigint PRIMARY KEY, title text, shown text GENERATED ALWAYS AS (upper(title)) VIRTUAL)`,
      ),
    );
    // Before PostgreSQL 18.
    if (made !== undefined) return;
    const error = await check({ table: in_('read_only_text'), text: 'shown' });
    expect(error).toMatchObject({ code: 'TEXT_VIRTUAL_COLUMN', column: 'shown', computed: 'upper(title)' });
    expect(
      await rejection(() =>
        database.owner.adoption.check({ table: in_('read_only_text'), text: 'upper(title)' }, SPACE),
      ),
    ).toBeUndefined();
    await sql('DROP TABLE read_only_text');
  });

  it('a temporary table, which only its own session sees', async () => {
    const client = await database.application.pool.connect();
    try {
      await client.query('CREATE TEMP TABLE passing (id bigint PRIMARY KEY, content text)');
      const { rows } = await client.query<{ schema: string }>(
        'SELECT pg_my_temp_schema()::regnamespace::text AS schema',
      );
      expect(await check({ table: `${rows[0]?.schema ?? ''}.passing` })).toMatchObject({ code: 'TEMPORARY_TABLE' });
      await client.query('DROP TABLE passing');
    } finally {
      client.release();
    }
  });

  it('vectors of another dimension are sampled all the same: they tell which model made them', async () => {
    await sql(`INSERT INTO wide VALUES (1, 'a', '[1,2,3,4]')`);
    const adoption = await database.owner.adoption.check({ table: in_('wide'), ...WRITER }, SPACE);
    expect(await adoption.sampleVectors(10, 1)).toMatchObject([{ id: '1', dense: Float32Array.of(1, 2, 3, 4) }]);
  });

  it('and nothing is left in the database by any of these', async () => {
    expect(await everything()).toEqual(before);
  });
});

if (TEST_SERVER !== undefined) {
  const server = TEST_SERVER;
  const url = new URL(server);

  describe('a role that may not', () => {
    let database: TestDatabase;
    const role = 'kimera_limited';
    let limited: PostgresStore;
    const sql = (text: string) => database.application.pool.query(`SET search_path = ${SCHEMA}_role, public; ${text}`);
    beforeAll(async () => {
      database = await openServer(server);
      await sql(`DROP SCHEMA IF EXISTS ${SCHEMA}_role CASCADE; CREATE SCHEMA ${SCHEMA}_role;
        DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE ${role} LOGIN; END IF; END $$;
        DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO ${role}', current_database()); END $$;
        GRANT ALL ON SCHEMA kimera TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA kimera TO ${role};
        CREATE TABLE closed (${TABLE}); CREATE TABLE hidden (${TABLE}); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own_rows ON hidden USING (id = 1)`);
      url.username = role;
      limited = await openStore({ database: url.href });
    });
    afterAll(async () => {
      await limited.close();
      await sql(`DROP SCHEMA IF EXISTS ${SCHEMA}_role CASCADE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
      await database.close();
    });

    it('lacks the schema, and is told the GRANT', async () => {
      const error = await rejection(() => limited.adoption.check({ table: `${SCHEMA}_role.closed`, ...WRITER }, SPACE));
      expect(error).toMatchObject({ code: 'TABLE_PERMISSION', missing: ['USAGE', 'SELECT', 'TRIGGER', 'UPDATE'] });
      expect(String(error)).toContain(`GRANT USAGE ON SCHEMA ${SCHEMA}_role TO ${role}`);
    });
    it('lacks a right on the table', async () => {
      await sql(`GRANT USAGE ON SCHEMA ${SCHEMA}_role TO ${role}; GRANT SELECT, UPDATE ON closed TO ${role}`);
      const error = await rejection(() => limited.adoption.check({ table: `${SCHEMA}_role.closed`, ...WRITER }, SPACE));
      expect(error).toMatchObject({ code: 'TABLE_PERMISSION', missing: ['TRIGGER'] });
    });
    it('sees a part of the rows', async () => {
      await sql(`GRANT SELECT, UPDATE, TRIGGER ON hidden TO ${role}`);
      const request = { table: `${SCHEMA}_role.hidden`, ...WRITER };
      expect(await rejection(() => limited.adoption.check(request, SPACE))).toMatchObject({
        code: 'ROW_SECURITY',
        policies: ['own_rows'],
      });
      // The owner sees all rows, and so may watch them.
      expect(await rejection(() => database.owner.adoption.check(request, SPACE))).toBeUndefined();
    });
    it('may, with what the message asked for', async () => {
      await sql(`GRANT TRIGGER ON closed TO ${role}`);
      const request = { table: `${SCHEMA}_role.closed`, ...WRITER };
      expect(await rejection(() => limited.adoption.check(request, SPACE))).toBeUndefined();
    });
  });
}
