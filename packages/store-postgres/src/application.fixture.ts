import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Application } from '@kimera/testing';
import pg from 'pg';
import { z } from 'zod';
import { quoted } from './sql/identifier.js';

/** Where a client of its own reaches the embedded database of a folder that is open. */
export function embeddedConnection(folder: string): string {
  const { port, password } = z
    .object({ port: z.number(), password: z.string() })
    .parse(JSON.parse(readFileSync(join(folder, 'kimera.lock'), 'utf8')));
  return `postgres://someone:${password}@127.0.0.1:${port}/postgres`;
}

/** An application with its own SQL. */
export class SqlApplication implements Application {
  readonly pool: pg.Pool;

  constructor(connectionString: string) {
    this.pool = new pg.Pool({ connectionString, max: 2 });
    this.pool.on('error', () => undefined);
  }

  async write(collection: string, rows: readonly { readonly id: string; readonly text: string }[]): Promise<void> {
    await this.pool.query(
      `INSERT INTO ${quoted('public', collection)} SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (id) DO UPDATE SET text = excluded.text`,
      [rows.map(({ id }) => id), rows.map(({ text }) => text)],
    );
  }

  async delete(collection: string, ids: readonly string[]): Promise<void> {
    await this.pool.query(`DELETE FROM ${quoted('public', collection)} WHERE id = ANY ($1::text[])`, [ids]);
  }

  async empty(collection: string): Promise<void> {
    await this.pool.query(`TRUNCATE ${quoted('public', collection)}`);
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
