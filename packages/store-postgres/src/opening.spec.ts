import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { SourceRow } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import pg from 'pg';
import { MissingRightError } from './errors.js';
import { inspectDatabase } from './inspect-database.js';
import { openStore } from './open-store.js';
import type { PostgresStore } from './postgres-store.js';
import { makeOldSchema } from './schema/old-version.fixture.js';
import { SCHEMA_VERSIONS } from './schema/versions.js';
import { ServerDatabases } from './server-database.fixture.js';
import { TEST_SERVER } from './test-databases.fixture.js';

jest.setTimeout(300_000);
const SPACE = fakeSpace('opened', { dimension: 3 });
const onServer = TEST_SERVER === undefined ? describe.skip : describe;
const ROUNDS = 10;
const AT_ONCE = 5;

onServer('a database of a server', () => {
  let databases: ServerDatabases;
  beforeAll(async () => {
    databases = await ServerDatabases.at(TEST_SERVER ?? '');
  });
  afterAll(() => databases.drop());

  async function openAtOnce(database: string): Promise<void> {
    const stores = await Promise.all(Array.from({ length: AT_ONCE }, () => openStore({ database })));
    await stores[0]?.collections.createCollection(`docs_${Date.now()}`, SPACE);
    await Promise.all(stores.map((store) => store.close()));
  }

  it('is opened by five at once for the first time, again and again', async () => {
    for (let round = 0; round < ROUNDS; round++) await openAtOnce(await databases.create());
  });

  it('is opened by five at once where the extension is there and the schema is empty', async () => {
    const database = await databases.create();
    await databases.run(database, 'CREATE EXTENSION vector', 'CREATE SCHEMA kimera');
    await openAtOnce(database);
  });

  it.each([1, 2] as const)('of version %i is brought up to date by five at once', async (version) => {
    const database = await databases.create();
    await (await openStore({ database })).close();
    const pool = new pg.Pool({ connectionString: database });
    await makeOldSchema(pool, version);
    await pool.end();
    await openAtOnce(database);
    expect(await inspectDatabase(database)).toMatchObject({ schema: SCHEMA_VERSIONS.length });
  });

  it('that others define at the same time is opened all the same', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const database = await databases.create();
      await Promise.all([
        openStore({ database }).then((store) => store.close()),
        databases.run(database, 'CREATE EXTENSION IF NOT EXISTS vector').catch(() => undefined),
        databases.run(database, 'CREATE SCHEMA IF NOT EXISTS kimera').catch(() => undefined),
      ]);
      await (await openStore({ database })).close();
    }
  });

  describe('to a role', () => {
    const NAME = 'docs';
    let database = '';
    beforeAll(async () => {
      database = await databases.create();
      const store = await openStore({ database });
      await store.collections.createCollection(NAME, SPACE);
      await databases.run(database, "INSERT INTO public.docs VALUES ('a', 'a text')");
      await store.close();
    });

    /** What the role may not do gives the GRANTs for it, which are run; the rights that it needed in the end. */
    async function rightsFor(work: (store: PostgresStore) => Promise<unknown>): Promise<readonly string[]> {
      const { name, url } = await databases.role(database);
      const given: string[] = [];
      for (let attempt = 0; attempt < 12; attempt++) {
        try {
          const store = await openStore({ database: url });
          try {
            await work(store);
            return given.map((grant) => grant.replaceAll(`"${name}"`, 'ROLE'));
          } finally {
            await store.close();
          }
        } catch (error) {
          if (!(error instanceof MissingRightError)) throw error;
          expect(error).toMatchObject({ code: 'MISSING_RIGHT', kind: 'refused', role: name });
          expect(error.grants.length).toBeGreaterThan(0);
          expect(error.grants.filter((grant) => given.includes(grant))).toEqual([]);
          for (const grant of error.grants) expect(error.message).toContain(grant);
          await databases.run(database, ...error.grants);
          given.push(...error.grants);
        }
      }
      throw new Error(`these rights do not do: ${given.join('; ')}`);
    }

    it('that may read, status and search need nothing more', async () => {
      const rights = await rightsFor(async (store) => {
        await store.collections.collection(NAME);
        await store.collections.countRows(NAME);
        await store.vectors.coverage(NAME, SPACE.fingerprint);
        await store.vectors.searchSpace(NAME, { space: SPACE.fingerprint, dense: Float32Array.of(1, 0, 0) }, 3);
      });
      expect(rights).toEqual([
        'GRANT USAGE ON SCHEMA "kimera" TO ROLE',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "kimera" TO ROLE',
        'GRANT SELECT ON "public"."docs" TO ROLE',
      ]);
    });

    it('that works, writing vectors needs to lock the rows of the source and to write the tables of kimera', async () => {
      const rights = await rightsFor(async (store) => {
        const rows = await store.changes.readPending(NAME, SPACE.fingerprint, 10);
        const vectors = rows.map(({ id, contentHash }) => ({
          ...{ id, contentHash, dense: Float32Array.of(1, 0, 0) },
          ...{ variant: 'fp32' as const, tokenizerRevision: 1, truncated: false },
        }));
        await store.vectors.writeVectors(NAME, SPACE.fingerprint, vectors);
      });
      expect(new Set(rights)).toEqual(
        new Set([
          'GRANT USAGE ON SCHEMA "kimera" TO ROLE',
          'GRANT SELECT ON ALL TABLES IN SCHEMA "kimera" TO ROLE',
          'GRANT SELECT ON "public"."docs" TO ROLE',
          'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "kimera" TO ROLE',
          'GRANT UPDATE ("id") ON "public"."docs" TO ROLE',
        ]),
      );
    });

    it('that owns, opening a space needs the owner of schema and table', async () => {
      const rights = await rightsFor((store) => store.vectors.openSpace(NAME, fakeSpace('another', { dimension: 2 })));
      expect(rights).toContain('GRANT postgres TO ROLE');
    });

    it('without rights, a database that is not there yet needs the right to create in it', async () => {
      const empty = await databases.create();
      await databases.run(empty, 'CREATE EXTENSION vector');
      const { name, url } = await databases.role(empty);
      const refused: unknown = await openStore({ database: url }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(MissingRightError);
      if (!(refused instanceof MissingRightError)) return;
      expect(refused.grants).toEqual([
        expect.stringMatching(/^GRANT CREATE ON DATABASE "kimera_spec_\w+" TO "kimera_role_\w+"$/),
      ]);
      await databases.run(empty, ...refused.grants);
      await (await openStore({ database: url })).close();
      await databases.run(
        empty,
        `DROP SCHEMA kimera CASCADE`,
        `REVOKE CREATE ON DATABASE ${new URL(empty).pathname.slice(1)} FROM ${name}`,
      );
    });

    describe('of the guide', () => {
      const LATER = fakeSpace('later', { dimension: 2 });
      let database = '';
      let owner: PostgresStore;
      let migration = '';
      const page = readFileSync(resolve(__dirname, '../../../docs/servers.md'), 'utf8');
      const grants = (/```sql shown\n(.*?)```/s.exec(page)?.[1] ?? '')
        .replaceAll(/--.*/g, '')
        .replaceAll('documents', 'docs')
        .replaceAll('ROLE owner', 'ROLE postgres')
        .split(';')
        .map((statement) => statement.trim())
        // The collection's table has no column of vectors.
        .filter((statement) => statement !== '' && !statement.includes('(embedding)'));
      const of = (role: string): readonly string[] => grants.filter((grant) => grant.endsWith(`TO ${role}`));
      const READER = of('reader');
      const WORKER = [...READER.map((grant) => grant.replace(/reader$/, 'worker')), ...of('worker')];

      beforeAll(async () => {
        database = await databases.create();
        await databases.run(database, 'CREATE SCHEMA extensions', 'CREATE EXTENSION vector SCHEMA extensions');
        owner = await openStore({ database });
        await owner.collections.createCollection(NAME, SPACE);
        await databases.run(database, "INSERT INTO public.docs VALUES ('a', 'a text')");
      });
      afterAll(() => owner.close());

      async function asRole(
        role: 'reader' | 'worker',
        statements: readonly string[],
        meanwhile: () => Promise<unknown>,
        work: (store: PostgresStore) => Promise<unknown>,
      ): Promise<void> {
        const { name, url } = await databases.role(database);
        const named = statements.map((statement) => statement.replaceAll(new RegExp(`\\b${role}\\b`, 'g'), name));
        await databases.run(database, ...named);
        await meanwhile();
        const store = await openStore({ database: url });
        try {
          await work(store);
        } finally {
          await store.close();
        }
      }
      const look = async (store: PostgresStore): Promise<void> => {
        await store.vectors.coverage(NAME, SPACE.fingerprint);
        await store.search.search(NAME, { space: SPACE.fingerprint, dense: Float32Array.of(1, 0, 0) }, { limit: 1 });
        await store.migrations.latestMigration(NAME).catch(() => undefined);
      };
      const embedded = (rows: readonly SourceRow[], dimension: number) =>
        rows.map(({ id, contentHash }) => ({
          ...{ id, contentHash, dense: new Float32Array(dimension).fill(1) },
          ...{ variant: 'fp32' as const, tokenizerRevision: 1, truncated: false },
        }));
      const workOn = async (store: PostgresStore): Promise<void> => {
        await look(store);
        const waiting = await store.changes.readPending(NAME, SPACE.fingerprint, 10);
        await store.vectors.writeVectors(NAME, SPACE.fingerprint, embedded(waiting, 3));
        const job = await store.jobs.claim(migration, 60);
        if (job === undefined) throw new Error('no job');
        const rows = await store.collections.readRange(NAME, job.range);
        expect(await store.jobs.complete(job, embedded(rows, 2), [])).toMatchObject({ written: rows.length });
        await store.migrations.note(migration, 'worker', 'looked', {});
      };
      const startMigration = async (): Promise<void> => {
        await owner.vectors.openSpace(NAME, LATER);
        ({ id: migration } = await owner.migrations.createMigration(NAME, LATER, 'owner', {}));
        await owner.jobs.enqueue(migration, [{ after: null, upTo: null }]);
      };

      it('the reader looks, and each right of it is needed', async () => {
        expect(READER.length).toBe(4);
        await asRole('reader', READER, async () => undefined, look);
        for (const left of READER.filter((grant) => !grant.startsWith('ALTER'))) {
          const others = READER.filter((grant) => grant !== left);
          await expect(asRole('reader', others, async () => undefined, look)).rejects.toMatchObject({
            code: 'MISSING_RIGHT',
          });
        }
      });

      it('the worker works, on tables that the owner makes later too, and each right of it is needed', async () => {
        expect(WORKER.length).toBe(7);
        await asRole('worker', WORKER, startMigration, workOn);
        for (const left of of('worker').filter((grant) => !grant.startsWith('ALTER'))) {
          await databases.run(database, "UPDATE public.docs SET text = text || '.'");
          const others = WORKER.filter((grant) => grant !== left);
          await expect(asRole('worker', others, async () => undefined, workOn)).rejects.toMatchObject({
            code: 'MISSING_RIGHT',
          });
        }
      });
    });

    it('from whom policies hide rows later takes none of them for deleted, and is told what is needed', async () => {
      const database = await databases.create();
      await databases.run(database, 'CREATE EXTENSION vector');
      const owner = await openStore({ database });
      await owner.collections.createCollection(NAME, SPACE);
      await databases.run(database, "INSERT INTO public.docs VALUES ('a', 'a text'), ('b', 'another')");
      const waiting = await owner.changes.readPending(NAME, SPACE.fingerprint, 10);
      await owner.vectors.writeVectors(
        NAME,
        SPACE.fingerprint,
        waiting.map(({ id, contentHash }) => ({
          ...{ id, contentHash, dense: Float32Array.of(1, 0, 0) },
          ...{ variant: 'fp32' as const, tokenizerRevision: 1, truncated: false },
        })),
      );
      const { name, url } = await databases.role(database);
      await databases.run(
        database,
        `GRANT USAGE ON SCHEMA kimera TO ${name}`,
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA kimera TO ${name}`,
        `GRANT ALL ON public.docs TO ${name}`,
        'ALTER TABLE public.docs ENABLE ROW LEVEL SECURITY',
        "UPDATE public.docs SET text = 'changed' WHERE id = 'a'",
      );
      const worker = await openStore({ database: url });
      try {
        expect(await worker.upkeep.faults(NAME)).toEqual([
          { kind: 'unreadable', at: null, detail: `row-level security hides rows of public.docs from role ${name}` },
        ]);
        for (const call of [
          () => worker.changes.readPending(NAME, SPACE.fingerprint, 10),
          () => worker.changes.claimPending(NAME, SPACE.fingerprint, { limit: 10, leaseSeconds: 60, of: 'all rows' }),
        ])
          await expect(call()).rejects.toMatchObject({
            code: 'MISSING_RIGHT',
            grants: [`ALTER ROLE "${name}" BYPASSRLS`],
          });
        expect(await owner.upkeep.faults(NAME)).toEqual([]);
        expect(await owner.vectors.readVectors(NAME, SPACE.fingerprint)).toHaveLength(2);
        await databases.run(database, `ALTER ROLE "${name}" BYPASSRLS`);
        expect(await worker.changes.readPending(NAME, SPACE.fingerprint, 10)).toMatchObject([{ id: 'a' }]);
      } finally {
        await worker.close();
        await owner.close();
        await databases.run(database, `DROP OWNED BY ${name}`);
      }
    });

    it('an older schema is for its owner to change', async () => {
      const older = await databases.create();
      await (await openStore({ database: older })).close();
      await databases.run(older, `DELETE FROM kimera.schema_version WHERE version = ${SCHEMA_VERSIONS.length}`);
      const { name, url } = await databases.role(older);
      await databases.run(
        older,
        `GRANT USAGE ON SCHEMA kimera TO ${name}`,
        `GRANT SELECT ON kimera.schema_version TO ${name}`,
      );
      await expect(openStore({ database: url })).rejects.toMatchObject({
        code: 'SCHEMA_OUTDATED',
        actual: SCHEMA_VERSIONS.length - 1,
        needed: SCHEMA_VERSIONS.length,
      });
    });
  });
});
