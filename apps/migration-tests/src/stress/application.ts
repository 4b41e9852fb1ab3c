import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '@kimera/core';
import pg from 'pg';
import { z } from 'zod';
import type { OwnServer } from './own-server.js';

export const TABLE = 'stress.documents';
/** Rows of one INSERT. */
const SLICE = 1_000;
const AGAIN_MILLISECONDS = 100;
const WORDS =
  'river stone paper cloud engine garden winter music letter harbour silver forest bridge candle mirror market'.split(
    ' ',
  );
const textRow = z.object({ text: z.string() });
const numberRow = z.object({ number: z.coerce.number() });

/** A text of its own for each number. */
function textOf(number: number): string {
  return `${Array.from({ length: 5 }, (_, i) => WORDS[(number * (i + 3) + i * i) % WORDS.length]).join(' ')} ${number}`;
}

/** It writes its table with its own SQL and knows nothing of us. */
export class Application {
  readonly #pool: pg.Pool;
  readonly #stop = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  readonly statements = { insert: 0, update: 0, delete: 0 };
  /** But for those that a restart explains; these are tried again. */
  readonly errors: string[] = [];

  constructor(
    private readonly server: OwnServer,
    url: string,
  ) {
    this.#pool = new pg.Pool({ connectionString: url, max: 6 });
    this.#pool.on('error', () => undefined);
  }

  /** Goes on where an earlier run was stopped. */
  async fill(rows: number, onProgress: (done: number) => void): Promise<void> {
    await this.#pool.query(
      `CREATE SCHEMA IF NOT EXISTS stress; CREATE TABLE IF NOT EXISTS ${TABLE} (id bigint PRIMARY KEY, content text NOT NULL)`,
    );
    for (let from = 1 + (await this.#number(`SELECT coalesce(max(id), 0) AS number FROM ${TABLE}`)); from <= rows;) {
      const ids = Array.from({ length: Math.min(SLICE, rows - from + 1) }, (_, i) => from + i);
      await this.#pool.query(`INSERT INTO ${TABLE} SELECT * FROM unnest($1::bigint[], $2::text[])`, [
        ids,
        ids.map(textOf),
      ]);
      from += ids.length;
      onProgress(from - 1);
    }
  }

  /** One writer inserts, one updates, one deletes. @param rate statements a second, all together. */
  start(rate: number): void {
    const start = Date.now();
    const writers = [
      (turn: number) =>
        this.#once('insert', `INSERT INTO ${TABLE} VALUES ($1, $2)`, [start + turn, textOf(start + turn)]),
      // Rows at the front too: those that are embedded already.
      (turn: number) =>
        this.#once('update', `UPDATE ${TABLE} SET content = $1 WHERE id = (${someRow(turn)})`, [textOf(start - turn)]),
      (turn: number) => this.#once('delete', `DELETE FROM ${TABLE} WHERE id = (${someRow(turn + 7)})`, []),
    ];
    this.#loops = Promise.all(writers.map((write) => this.#every((1_000 * writers.length) / rate, write)));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
  }

  /** Sets a text that no other row has; by the application's own SQL. */
  async touch(id: number, text: string): Promise<void> {
    await this.#pool.query(
      `INSERT INTO ${TABLE} VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET content = excluded.content`,
      [id, text],
    );
  }

  /** For what is compared by SQL. */
  async query(sql: string): Promise<void> {
    await this.#pool.query(sql);
  }

  async rows(sql: string, values: readonly unknown[]): Promise<readonly unknown[]> {
    const { rows } = await this.#pool.query<Record<string, unknown>>(sql, [...values]);
    return rows;
  }

  /** The column `number` of the one row. */
  number(sql: string): Promise<number> {
    return this.#number(sql);
  }

  /** The column `text` of the one row. */
  async text(sql: string): Promise<string> {
    return textRow.parse((await this.#pool.query(sql)).rows[0]).text;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #number(sql: string): Promise<number> {
    return numberRow.parse((await this.#pool.query(sql)).rows[0]).number;
  }

  async #every(milliseconds: number, write: (turn: number) => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    for (let turn = 1; !signal.aborted; turn++) {
      await write(turn);
      await delay(milliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Until it is done: a statement that a restart ended was rolled back, or done, and is the same the second time. */
  async #once(kind: 'insert' | 'update' | 'delete', sql: string, values: readonly unknown[]): Promise<void> {
    for (;;) {
      try {
        await this.#pool.query(sql, [...values]);
        this.statements[kind] += 1;
        return;
      } catch (error) {
        const wasDone = error instanceof Error && 'code' in error && error.code === '23505';
        if (!this.server.isAway && !wasDone) this.errors.push(reasonOf(error));
        if (wasDone || this.errors.length > 10) return;
        await delay(AGAIN_MILLISECONDS);
      }
    }
  }
}

/** SQL: the id of a row anywhere in the table, another one each turn. */
function someRow(turn: number): string {
  const share = ((turn * 61_803) % 100_000) / 100_000;
  return `SELECT id FROM ${TABLE} WHERE id >= (SELECT ${share} * max(id) FROM ${TABLE} WHERE id < 1000000000) ORDER BY id LIMIT 1`;
}
