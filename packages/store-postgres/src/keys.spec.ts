import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { SourceRow } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import type { KeyColumn } from './key.js';
import { registerCollection } from './register-collection.js';
import { quoted } from './sql/identifier.js';
import { Pgvector } from './sql/pgvector.js';
import { Queryable } from './sql/queryable.js';
import { TEST_DATABASES, type TestDatabase } from './test-databases.fixture.js';

jest.setTimeout(180_000);
const [OLD, NEW] = [fakeSpace('old', { dimension: 2 }), fakeSpace('new', { dimension: 3 })];
const COLLATION = '"pg_catalog"."C"';
const column = (name: string, type: KeyColumn['type']): KeyColumn => ({
  name,
  type,
  collation: type === 'text' || type === 'varchar' ? COLLATION : null,
});
const SQL_TYPES: Partial<Record<KeyColumn['type'], string>> = {
  text: `text COLLATE ${COLLATION}`,
  varchar: `varchar(40) COLLATE ${COLLATION}`,
};
let names = 0;

/** Ids in the order of their type. */
const CASES: readonly (readonly [string, readonly KeyColumn['type'][], readonly string[]])[] = [
  ['smallint', ['smallint'], ['-32768', '-1', '0', '9', '10', '32767']],
  ['integer', ['integer'], ['-2147483648', '2', '10', '2147483647']],
  [
    'bigint',
    ['bigint'],
    ['-9223372036854775808', '9', '10', '9007199254740992', '9007199254740993', '9223372036854775807'],
  ],
  ['uuid', ['uuid'], ['00000000-0000-4000-8000-00000000000a', 'ffffffff-0000-4000-8000-000000000001']],
  ['varchar', ['varchar'], ['', ' ', 'A', 'B', 'a', 'a"b\\', 'é']],
  ['boolean', ['boolean'], ['false', 'true']],
  ['date', ['date'], ['-infinity', '0044-03-15 BC', '0999-12-31', '2024-02-29', '12026-01-01', 'infinity']],
  ['timestamp', ['timestamp'], ['0044-03-15T01:02:03 BC', '2026-01-01T00:00:00', '2026-01-01T00:00:00.12', 'infinity']],
  [
    'timestamptz',
    ['timestamptz'],
    ['-infinity', '0044-03-15T01:02:03Z BC', '2026-01-01T00:00:00.000001Z', '2026-01-01T12:00:00Z'],
  ],
  ['text and bigint', ['text', 'bigint'], ['["a","9"]', '["a","10"]', '["a\\"\\\\\\n\\u0001é","1"]', '["b","-1"]']],
  [
    'uuid, date and boolean',
    ['uuid', 'date', 'boolean'],
    [
      '["00000000-0000-4000-8000-00000000000a","2026-01-02","false"]',
      '["00000000-0000-4000-8000-00000000000a","2026-01-02","true"]',
    ],
  ],
];

describe.each(TEST_DATABASES)('a table on %s with a key of', (_, open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());

  /** An adopted table with columns k1 …, title, body, tenant. */
  async function adopted(types: readonly KeyColumn['type'][], tenants: 'with tenants' | 'without'): Promise<string> {
    const name = `keys_${process.pid}_${Date.now()}_${names++}`;
    const key = types.map((type, i) => column(`k${i + 1}`, type));
    const client = await database.application.pool.connect();
    try {
      await client.query(`BEGIN; CREATE TABLE ${quoted('public', name)} (
        ${key.map(({ name: of, type }) => `${of} ${SQL_TYPES[type] ?? type}`).join(', ')}, title text, space text, tenant text, PRIMARY KEY (${key.map(({ name: of }) => of).join(', ')}))`);
      await registerCollection(new Queryable(client, () => new Pgvector('public', '0.8.5')), {
        ...{ name, origin: 'adopted', schema: 'public', table: name, key, vectors: null, space: OLD },
        textExpression: `title || ' ' || space`,
        tenantColumn: tenants === 'with tenants' ? 'tenant' : null,
      });
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    return name;
  }
  const values = (types: readonly KeyColumn['type'][], id: string): readonly string[] =>
    types.length === 1 ? [id] : (JSON.parse(id) as string[]);
  const ids = (rows: readonly { readonly id: string }[]): readonly string[] => rows.map(({ id }) => id);
  const vectors = (rows: readonly SourceRow[], dimension: number) =>
    rows.map(({ id, contentHash }) => ({
      ...{ id, contentHash, variant: 'fp32' as const, tokenizerRevision: 1, truncated: false },
      dense: new Float32Array(dimension).fill(1),
    }));

  it.each(CASES)('%s reads, captures and writes by ids that are exact', async (_name, types, keys) => {
    const name = await adopted(types, 'without');
    const { owner, application } = database;
    const table = quoted('public', name);
    const parameters = types.map((type, i) => `$${i + 1}::text::${type}`).join(', ');
    await application.pool.query(`SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German, DMY'`).catch(() => undefined);
    for (const id of keys.toReversed())
      await application.pool.query(`INSERT INTO ${table} VALUES (${parameters}, 'title', 'of')`, [
        ...values(types, id),
      ]);
    await application.pool.query('RESET ALL');
    const rows = await owner.collections.readRange(name, { after: null, upTo: null });
    expect(ids(rows)).toEqual(keys);
    expect([...ids(await owner.changes.readPending(name, OLD.fingerprint, 100))].sort()).toEqual([...keys].sort());
    expect(
      [...ids(await owner.collections.readRows(name, [...keys, 'no key', '["no"]', '1e3', '007']))].sort(),
    ).toEqual([...keys].sort());
    for (const size of [1, 2]) {
      const ranges = await owner.collections.keyRanges(name, size);
      const parts = await Promise.all(ranges.map((range) => owner.collections.readRange(name, range)));
      expect(parts.flatMap(ids)).toEqual(keys);
      expect(parts.every((part) => part.length <= size)).toBe(true);
    }
    expect(await owner.vectors.writeVectors(name, OLD.fingerprint, vectors(rows, 2))).toEqual({
      written: keys.length,
      outdated: 0,
    });
    expect(ids(await owner.vectors.readVectors(name, OLD.fingerprint, [keys[0] ?? '']))).toEqual([keys[0]]);
    expect(await owner.vectors.coverage(name, OLD.fingerprint)).toMatchObject({ current: keys.length, pending: 0 });
    const found = await owner.search.search(
      name,
      { space: OLD.fingerprint, dense: Float32Array.of(1, 1) },
      { limit: 9 },
    );
    expect(ids(found.hits)).toEqual(keys);
    const [first = '', ...others] = keys;
    await application.pool.query(`UPDATE ${table} SET space = NULL WHERE (k1) = ($1::text::${types[0]})`, [
      values(types, first)[0],
    ]);
    await application.pool.query(`UPDATE ${table} SET tenant = 'no text of it'`);
    const left = others.filter((id) => values(types, id)[0] !== values(types, first)[0]);
    expect(ids(await owner.collections.readRange(name, { after: null, upTo: null }))).toEqual(left);
    expect(await owner.changes.readPending(name, OLD.fingerprint, 10)).toEqual([]);
    expect(await owner.upkeep.reconcile(name)).toEqual({ queued: 0, removed: 0 });
    expect(await owner.vectors.coverage(name, OLD.fingerprint)).toMatchObject({ rows: left.length, orphans: 0 });
    expect((await owner.collections.sampleRows(name, 1, 7)).length).toBe(Math.min(1, left.length));
  });

  it('text and bigint moves its tenants one by one, and all together', async () => {
    const types = ['text', 'bigint'] as const;
    const name = await adopted(types, 'with tenants');
    const { owner, application } = database;
    await application.pool.query(
      `INSERT INTO ${quoted('public', name)} SELECT t, i, 'title', 'of', t FROM unnest(ARRAY['acme', 'globex']) t, generate_series(1, 2) i`,
    );
    const all = await owner.collections.readRange(name, { after: null, upTo: null });
    await owner.vectors.writeVectors(name, OLD.fingerprint, vectors(all, 2));
    const { id } = await owner.migrations.createMigration(name, NEW, 'spec', {});
    await owner.vectors.openSpace(name, NEW);
    await owner.upkeep.reconcile(name);
    const asked: string[] = [];
    const move = (tenants: readonly string[] | undefined, from = OLD, to = NEW): Promise<unknown> =>
      owner.migrations.switchSpace(
        id,
        'spec',
        {
          ...{ expected: ['planned', 'cut-over'], to: 'cut-over', event: 'cutover', figures: {}, maxPending: 2 },
          ...{ from: from.fingerprint, toSpace: to.fingerprint, ...(tenants === undefined ? {} : { tenants }) },
        },
        async (rows) => {
          asked.push(...ids(rows));
          return vectors(rows, to.dimension);
        },
      );
    const active = async (tenant?: string): Promise<string> =>
      (await owner.collections.collection(name, tenant)).activeSpace;
    await expect(move(undefined)).rejects.toMatchObject({ code: 'CATCH_UP', pending: 4 });
    await move(['acme']);
    expect(asked.sort()).toEqual(['["acme","1"]', '["acme","2"]']);
    expect([await active(), await active('acme'), await active('globex')]).toEqual(
      [OLD, NEW, OLD].map(({ fingerprint }) => fingerprint),
    );
    await expect(move(['globex', 'acme'])).rejects.toMatchObject({ code: 'SPACE_MISMATCH' });
    await expect(owner.vectors.closeSpace(name, NEW.fingerprint)).rejects.toMatchObject({ code: 'ACTIVE_SPACE' });
    await move(undefined);
    expect([await active(), await active('acme'), await active('globex')]).toEqual(
      [NEW, NEW, NEW].map(({ fingerprint }) => fingerprint),
    );
    await move(['globex'], NEW, OLD);
    await move(undefined, NEW, OLD);
    expect([await active(), await active('acme'), await active('globex')]).toEqual(
      [OLD, OLD, OLD].map(({ fingerprint }) => fingerprint),
    );
  });
});
