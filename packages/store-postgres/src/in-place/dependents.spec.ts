import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { InPlacePlan } from '@kimera/core';
import type { Database } from '../sql/database.js';
import { DATABASES } from './in-place.fixture.js';
import { checkPlan, inspectColumn } from './inspect-column.js';
import { readVectorColumn } from './vector-column.js';

jest.setTimeout(120_000);
const COLUMN = { schema: 'shop', table: 'documents', column: 'embedding' };
/** Every moved, refused or acceptable object as `kind:name`. */
type Found = Readonly<Record<'moved' | 'refused' | 'toAccept', readonly string[]>>;
const NONE: Found = { moved: [], refused: [], toAccept: [] };

/** One kind of dependent each: what makes it, and where it must be found. */
const KINDS: readonly (readonly [what: string, sql: string, found: Partial<Found>, dimension?: number])[] = [
  [
    'an HNSW index',
    'CREATE INDEX near ON shop.documents USING hnsw (embedding vector_cosine_ops) WITH (m = 8)',
    { moved: ['index:shop.near'] },
  ],
  [
    'an IVFFlat index',
    'CREATE INDEX near ON shop.documents USING ivfflat (embedding vector_l2_ops) WITH (lists = 2)',
    { moved: ['index:shop.near'] },
  ],
  [
    'a partial index',
    'CREATE INDEX near ON shop.documents USING hnsw (embedding vector_ip_ops) WHERE embedding IS NOT NULL AND tenant = 1',
    { moved: ['index:shop.near'] },
  ],
  [
    'an index that includes the column',
    'CREATE INDEX small ON shop.documents (tenant) INCLUDE (embedding)',
    { moved: ['index:shop.small'] },
  ],
  ['an index of other columns', 'CREATE INDEX other ON shop.documents (tenant)', {}],
  [
    'an index that names the dimension',
    'CREATE INDEX near ON shop.documents USING hnsw ((embedding::halfvec(3)) halfvec_cosine_ops)',
    { refused: ['index:shop.near'] },
  ],
  ['a unique index', 'CREATE UNIQUE INDEX one ON shop.documents (embedding)', { refused: ['index:shop.one'] }],
  [
    'an index that the table is clustered by',
    'CREATE INDEX c ON shop.documents (embedding); ALTER TABLE shop.documents CLUSTER ON c',
    { refused: ['index:shop.c'] },
  ],
  [
    'an HNSW index and too many numbers',
    'CREATE INDEX near ON shop.documents USING hnsw (embedding vector_cosine_ops)',
    { refused: ['index:shop.near'] },
    2001,
  ],
  ['no index and many numbers', 'SELECT 1', {}, 2001],
  ['a view', 'CREATE VIEW shop.v AS SELECT id, embedding FROM shop.documents', { moved: ['view:shop.v'] }],
  [
    'a view of a view',
    'CREATE VIEW shop.a AS SELECT * FROM shop.documents; CREATE VIEW shop.b AS SELECT id FROM shop.a',
    { moved: ['view:shop.a', 'view:shop.b'] },
  ],
  ['a view without the column', 'CREATE VIEW shop.v AS SELECT id FROM shop.documents', {}],
  [
    'a view that names the dimension',
    `CREATE VIEW shop.v AS SELECT id, embedding <=> '[1,0,0]'::vector(3) AS d FROM shop.documents`,
    { refused: ['view:shop.v'] },
  ],
  [
    'a view with a trigger',
    'CREATE VIEW shop.v AS SELECT id, embedding FROM shop.documents; CREATE TRIGGER t INSTEAD OF INSERT ON shop.v FOR EACH ROW EXECUTE FUNCTION shop.touch()',
    { refused: ['view:shop.v'] },
  ],
  [
    'a view whose rows a function returns',
    `CREATE VIEW shop.v AS SELECT id, embedding FROM shop.documents; CREATE FUNCTION shop.f() RETURNS SETOF shop.v LANGUAGE sql AS 'SELECT * FROM shop.v'`,
    { refused: ['view:shop.v'] },
  ],
  [
    'a materialized view',
    'CREATE MATERIALIZED VIEW shop.v AS SELECT id, embedding FROM shop.documents',
    { refused: ['materialized view:shop.v'] },
  ],
  [
    'a materialized view of a view',
    'CREATE VIEW shop.v AS SELECT id, embedding FROM shop.documents; CREATE MATERIALIZED VIEW shop.m AS SELECT id FROM shop.v',
    { moved: ['view:shop.v'], refused: ['materialized view:shop.m'] },
  ],
  [
    'a rule',
    'CREATE RULE keep AS ON DELETE TO shop.documents WHERE old.embedding IS NULL DO INSTEAD NOTHING',
    { refused: ['rule:keep'] },
  ],
  [
    'a function by name',
    `CREATE FUNCTION shop.match(q vector, n int) RETURNS TABLE (id bigint) LANGUAGE sql AS 'SELECT id FROM shop.documents ORDER BY embedding OPERATOR(public.<=>) q LIMIT n'`,
    {},
  ],
  [
    'a function that names the dimension',
    `CREATE FUNCTION shop.match(q text) RETURNS TABLE (id bigint) LANGUAGE sql AS 'SELECT id FROM shop.documents ORDER BY embedding OPERATOR(public.<=>) q::vector(3)'`,
    { toAccept: ['function:shop.match(text)'] },
  ],
  [
    'a function of standard SQL',
    'CREATE FUNCTION shop.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(embedding) FROM shop.documents; END',
    { refused: ['function:shop.f()'] },
  ],
  [
    'a function that returns rows',
    `CREATE FUNCTION shop.f() RETURNS SETOF shop.documents LANGUAGE sql AS 'SELECT * FROM shop.documents'`,
    { toAccept: ['function:shop.f()'] },
  ],
  [
    'a generated column',
    'ALTER TABLE shop.documents ADD COLUMN size real GENERATED ALWAYS AS (vector_norm(embedding)) STORED',
    { refused: ['generated column:size'] },
  ],
  ['a policy', 'CREATE POLICY p ON shop.documents USING (embedding IS NOT NULL)', { refused: ['policy:p'] }],
  [
    'a policy of another table',
    'CREATE TABLE shop.other (id bigint); CREATE POLICY p ON shop.other USING (EXISTS (SELECT FROM shop.documents d WHERE d.embedding IS NULL))',
    { refused: ['policy:p'] },
  ],
  [
    'a publication with the column',
    'CREATE PUBLICATION p FOR TABLE shop.documents (id, embedding)',
    { refused: ['publication:p'] },
  ],
  ['a publication without it', 'CREATE PUBLICATION p FOR TABLE shop.documents (id)', {}],
  ['a publication of the table', 'CREATE PUBLICATION p FOR TABLE shop.documents', { toAccept: ['publication:p'] }],
  ['a publication of the schema', 'CREATE PUBLICATION p FOR TABLES IN SCHEMA shop', { toAccept: ['publication:p'] }],
  [
    'a CHECK constraint',
    'ALTER TABLE shop.documents ADD CONSTRAINT three CHECK (vector_dims(embedding) = 3)',
    { refused: ['constraint:three'] },
  ],
  [
    'a UNIQUE constraint',
    'ALTER TABLE shop.documents ADD CONSTRAINT one UNIQUE (embedding)',
    { refused: ['constraint:one'] },
  ],
  [
    'an exclusion constraint',
    'ALTER TABLE shop.documents ADD CONSTRAINT none EXCLUDE USING btree (embedding WITH =)',
    { refused: ['constraint:none'] },
  ],
  ['NOT NULL', 'ALTER TABLE shop.documents ALTER COLUMN embedding SET NOT NULL', {}],
  [
    'a default of another dimension',
    `ALTER TABLE shop.documents ALTER COLUMN embedding SET DEFAULT '[1,0,0]'`,
    { refused: ['default:embedding'] },
  ],
  ['a default of the same dimension', `ALTER TABLE shop.documents ALTER COLUMN embedding SET DEFAULT '[1,0,0]'`, {}, 3],
  [
    'a trigger on updates',
    'CREATE TRIGGER touched BEFORE UPDATE ON shop.documents FOR EACH ROW EXECUTE FUNCTION shop.touch()',
    { toAccept: ['trigger:touched'] },
  ],
  [
    'a disabled trigger',
    'CREATE TRIGGER touched BEFORE UPDATE ON shop.documents FOR EACH ROW EXECUTE FUNCTION shop.touch(); ALTER TABLE shop.documents DISABLE TRIGGER touched',
    {},
  ],
  [
    'a trigger on updates of another column',
    'CREATE TRIGGER touched BEFORE UPDATE OF content ON shop.documents FOR EACH ROW EXECUTE FUNCTION shop.touch()',
    {},
  ],
  [
    'a trigger on inserts',
    'CREATE TRIGGER touched BEFORE INSERT ON shop.documents FOR EACH ROW EXECUTE FUNCTION shop.touch()',
    {},
  ],
  [
    'a trigger on updates of the column',
    'CREATE TRIGGER touched BEFORE UPDATE OF embedding ON shop.documents FOR EACH ROW EXECUTE FUNCTION shop.touch()',
    { refused: ['trigger:touched'] },
  ],
  [
    'a trigger with a condition on the column',
    'CREATE TRIGGER touched BEFORE INSERT ON shop.documents FOR EACH ROW WHEN (new.embedding IS NULL) EXECUTE FUNCTION shop.touch()',
    { refused: ['trigger:touched'] },
  ],
  [
    'extended statistics',
    'CREATE STATISTICS shop.s (ndistinct) ON tenant, embedding FROM shop.documents',
    { refused: ['statistics:s'] },
  ],
  [
    'a sequence that the column owns',
    'CREATE SEQUENCE shop.s OWNED BY shop.documents.embedding',
    { refused: ['object:sequence shop.s'] },
  ],
  ['a child table', 'CREATE TABLE shop.child () INHERITS (shop.documents)', { refused: ['table:shop.documents'] }],
  ['rows stored whole', 'CREATE TABLE shop.log (was shop.documents)', { refused: ['row type:shop.documents'] }],
  ['a foreign key to the table', 'CREATE TABLE shop.parts (document bigint REFERENCES shop.documents)', {}],
  ['a grant on the column', 'GRANT SELECT (embedding) ON shop.documents TO PUBLIC', {}],
];

describe.each(DATABASES)('what depends on a vector column, on %s', (_, open) => {
  let database: Database;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ database, close } = await open());
  });
  afterAll(async () => {
    await database.script('DROP PUBLICATION IF EXISTS p; DROP SCHEMA IF EXISTS shop CASCADE');
    await close();
  });
  beforeEach(() =>
    database.script(`
      DROP PUBLICATION IF EXISTS p; DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop;
      CREATE TABLE shop.documents (id bigint PRIMARY KEY, content text, tenant int, embedding vector(3));
      CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';`),
  );
  const inspect = (dimension = 4): Promise<InPlacePlan> =>
    database.transaction(async (sql) => {
      const column = await readVectorColumn(sql, COLUMN);
      if (column === undefined) throw new Error('no column');
      return inspectColumn(sql, column, dimension);
    });

  // With named arguments Jest would take the last one for its callback where a row has none.
  it.each(KINDS)('%s', async (...[, sql, found, dimension]) => {
    await database.script(sql);
    const plan = await inspect(dimension);
    const names = (list: 'moved' | 'refused' | 'toAccept'): readonly string[] =>
      plan[list].map(({ kind, name }) => `${kind}:${name}`);
    expect({ moved: names('moved'), refused: names('refused'), toAccept: names('toAccept') }).toEqual({
      ...NONE,
      ...found,
    });
    const refusal = { ...NONE, ...found }.refused.length > 0 ? 'IN_PLACE_REFUSED' : undefined;
    const open_ = { ...NONE, ...found }.toAccept.length > 0 ? 'IN_PLACE_NOT_ACCEPTED' : undefined;
    const outcome = (accepted: readonly string[]): unknown => {
      try {
        checkPlan(plan, accepted);
        return undefined;
      } catch (error) {
        return error instanceof Error && 'code' in error ? error.code : error;
      }
    };
    expect(outcome([])).toBe(refusal ?? open_);
    expect(outcome(names('toAccept'))).toBe(refusal);
  });
});
