import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openStaticModel } from '@kimera/backend-light';
import { cosine, type TextEmbedder } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import {
  adoptTable,
  cutOver,
  planMigration,
  retireMigration,
  rollBack,
  startMigration,
  verifyMigration,
  work,
  type MigrationParts,
} from '@kimera/migration';
import { openStore } from '@kimera/store-postgres';
import { FakeEmbedder, fakeSpace } from '@kimera/testing';
import pg from 'pg';
import { z } from 'zod';
import { ROOT } from './models.js';
import { OWN_TABLES, type OwnTable } from './own-tables.fixture.js';

const server = process.env['KIMERA_TEST_DATABASE_URL'];
const ROWS = 2_000;
const WRITE_EVERY_MILLISECONDS = 40;
const WRITING_MILLISECONDS = 2_000;
/** Stored and read back as halfvec. */
const COSINE_FLOOR = 0.9999;
const seen = z.array(z.object({ id: z.string(), text: z.string(), embedding: z.string().nullable() }));
type Seen = z.infer<typeof seen>;

/** The application: it writes its table with its own SQL and knows nothing of us. */
class Application {
  #next = ROWS + 1;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();
  readonly touched = new Set<number>();
  statements = 0;

  constructor(
    private readonly pool: pg.Pool,
    private readonly table: OwnTable,
  ) {}

  start(): void {
    this.#stopped = false;
    this.#loop = this.#write();
  }
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #write(): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const place = 1 + ((turn * 37) % ROWS);
      const { insert, update, delete: remove } = this.table;
      if (turn % 3 === 0) await this.pool.query(insert, [[this.#next], [words(this.#next++)]]);
      else if (turn % 3 === 1) await this.pool.query(update, [[place], [words(place + 10 * ROWS + turn)]]);
      else await this.pool.query(remove, [[place]]);
      if (turn % 3 !== 0) this.touched.add(place);
      this.statements += 1;
      await delay(WRITE_EVERY_MILLISECONDS);
    }
  }

  async read(): Promise<Seen> {
    return seen.parse((await this.pool.query(`${this.table.read} ORDER BY 1`)).rows);
  }
}

const WORDS =
  'river stone paper cloud engine garden winter music letter harbour silver forest bridge candle mirror'.split(' ');
/** A text of its own for each number. */
function words(number: number): string {
  return `${Array.from({ length: 6 }, (_, i) => WORDS[(number * (i + 3) + i * i) % WORDS.length]).join(' ')} ${number}`;
}

if (server === undefined) {
  it.skip('tables of the application, on a server (KIMERA_TEST_DATABASE_URL)', () => undefined);
} else {
  describe('a table of the application under SQL writers', () => {
    const database = `own_tables_${process.pid}`;
    const url = new URL(server);
    const admin = new pg.Client({ connectionString: server });
    let old: Embedder;
    const target: TextEmbedder = new FakeEmbedder({ space: fakeSpace('target', { dimension: 96 }), shift: 3 });
    let dump: (schema: string) => Promise<string>;
    const figures: Record<string, string | number>[] = [];

    beforeAll(async () => {
      await admin.connect();
      await admin.query(`CREATE DATABASE ${database}`);
      url.pathname = database;
      const { rows } = await admin.query<{ setting: string }>(`SELECT setting FROM pg_config WHERE name = 'BINDIR'`);
      dump = async (schema) => {
        const { stdout } = await promisify(execFile)(
          join(rows[0]?.setting ?? '', 'pg_dump'),
          ['--schema-only', `--schema=${schema}`, url.href],
          { maxBuffer: 1 << 26 },
        );
        // Of newer versions: a key that is another each time.
        return stdout.replaceAll(/^\\(?:un)?restrict .*$/gm, '');
      };
      old = new Embedder(await openStaticModel({ path: join(ROOT, 'models/static-minilm') }));
    }, 60_000);
    afterAll(async () => {
      await old.close();
      await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await admin.end();
      for (const line of figures)
        process.stdout.write(
          `own tables: ${Object.entries(line)
            .map(([name, value]) => `${name} ${value}`)
            .join(', ')}\n`,
        );
    });

    it.each(OWN_TABLES)(
      '$shape: adopted, moved in place, back byte-equal, let go',
      async (table) => {
        const schema = `own_${table.shape.toLowerCase()}`;
        const pool = new pg.Pool({ connectionString: url.href, max: 3, options: `-c search_path=${schema},public` });
        const store = await openStore({ database: url.href });
        const application = new Application(pool, table);
        const line: Record<string, string | number> = { shape: table.shape };
        figures.push(line);
        const timed = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
          const started = performance.now();
          const result = await run();
          line[name] = `${Math.round(performance.now() - started)} ms`;
          return result;
        };
        try {
          await pool.query(`CREATE SCHEMA ${schema}; ${table.make}`);
          await fill(pool, table);
          const before = await dump(schema);
          const vectorsBefore = new Map((await application.read()).map(({ id, embedding }) => [id, embedding]));

          const { adoption, proof, progress } = await timed('adopt', () =>
            adoptTable(
              { store: store.adoption, model: old },
              { ...table.request, table: `${schema}.${table.request.table}` },
            ),
          );
          expect(proof).toMatchObject({ rows: 300, agreeing: 300 });
          expect(progress).toMatchObject({ copied: ROWS, queued: 0, unreadable: 0 });
          const parts: MigrationParts = { store, collection: adoption.collection, source: old, target, by: 'spec' };

          application.start();
          await planMigration(parts);
          await timed('start', () => startMigration(parts, { inPlace: { accepted: table.accept } }));
          await timed('work', async () => {
            // Under writers for a while: without pauses of theirs "caught up" may come late.
            const working = work(parts, { until: 'caught-up' });
            await delay(WRITING_MILLISECONDS);
            await application.stop();
            await working;
          });
          const { checks } = await timed('verify', () =>
            verifyMigration(parts, { accept: 'a specification', sampleRows: 100 }),
          );
          expect(checks.filter(({ holds }) => !holds)).toEqual([]);

          const { blockedMilliseconds } = await timed('cutover', () => underWriters(application, () => cutOver(parts)));
          line['blocked'] = `${Math.round(blockedMilliseconds)} ms`;
          await work(parts, { until: 'caught-up' });
          await expectVectors(await application.read(), target);

          await timed('rollback', () => underWriters(application, () => rollBack(parts)));
          await work(parts, { until: 'caught-up' });
          const after = await application.read();
          await expectVectors(after, old);
          const touched = new Set([...application.touched].map(table.id));
          const untouched = after.filter(({ id }) => vectorsBefore.has(id) && !touched.has(id));
          expect(untouched.length).toBeGreaterThan(ROWS / 2);
          expect(untouched.filter(({ id, embedding }) => embedding !== vectorsBefore.get(id))).toEqual([]);

          await retireMigration(parts);
          const parting = await timed('unadopt', () => store.adoption.unadopt(adoption.collection));
          expect(parting.tableIsThere).toBe(true);
          expect(await dump(schema)).toBe(before);
          Object.assign(line, { writes: application.statements, untouched: untouched.length });
        } finally {
          await application.stop().catch(() => undefined);
          await store.close();
          await pool.end();
        }
      },
      180_000,
    );

    it('leaves nothing of ours in the database', async () => {
      const store = await openStore({ database: url.href });
      expect(await store.adoption.removeSchema()).toBe(true);
      await store.close();
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      const { rows } = await client.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'kimera%'`);
      await client.end();
      expect(rows).toEqual([]);
    });

    /** As the application has filled its table, with the old model. */
    async function fill(pool: pg.Pool, table: OwnTable): Promise<void> {
      const numbers = Array.from({ length: ROWS }, (_, i) => i + 1);
      await pool.query(table.insert, [numbers, numbers.map(words)]);
      const rows = seen.parse((await pool.query(`${table.read} ORDER BY 1`)).rows);
      const embeddings = await old.encodeBatch(
        rows.map(({ text }) => text),
        { role: 'document' },
      );
      await pool.query(table.vectors, [
        rows.map(({ id }) => id),
        embeddings.map(({ dense = new Float32Array() }) => `[${dense.join(',')}]`),
      ]);
    }
  });
}

/** The writers go on for a while; a switch that has not come by then finds a quiet table. */
async function underWriters<T>(application: Application, run: () => Promise<T>): Promise<T> {
  application.start();
  const running = run();
  await Promise.race([running, delay(WRITING_MILLISECONDS)]).catch(() => undefined);
  await application.stop();
  return running;
}

/** Every row has the vector that the model gives its present text. */
async function expectVectors(rows: Seen, model: TextEmbedder): Promise<void> {
  const embeddings = await model.encodeBatch(
    rows.map(({ text }) => text),
    { role: 'document' },
  );
  const others = rows.filter(({ embedding }, i) => {
    const [stored, again] = [
      Float32Array.from(z.array(z.number()).parse(JSON.parse(embedding ?? '[]'))),
      embeddings[i]?.dense,
    ];
    return stored.length !== again?.length || cosine(stored, again) < COSINE_FLOOR;
  });
  expect(others.map(({ id, text, embedding }) => [id, text, embedding?.length])).toEqual([]);
}
