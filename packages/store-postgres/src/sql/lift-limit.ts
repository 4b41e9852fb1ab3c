import { z } from 'zod';
import type { PgClient } from './queryable.js';

const backend = z.object({ pid: z.number() });

/**
 * Takes off a session what the role or the database limits statements to. Behind a pooler in transaction mode the next
 * statement may run in another session, which has the limit. @returns the session's process, undefined where it had no limit.
 */
export async function liftLimit(sql: PgClient): Promise<number | undefined> {
  const { rows } = await sql.query({
    text: `SELECT pg_backend_pid() AS pid, set_config('statement_timeout', '0', false) FROM pg_settings WHERE name = 'statement_timeout' AND setting <> '0'`,
  });
  return rows.map((row) => backend.parse(row))[0]?.pid;
}

/** Puts the limit back where the session is that of this process. */
export async function restoreLimit(sql: PgClient, pid: number): Promise<boolean> {
  const { rowCount } = await sql.query({
    text: `SELECT set_config('statement_timeout', reset_val, false) FROM pg_settings WHERE name = 'statement_timeout' AND pg_backend_pid() = $1`,
    values: [pid],
  });
  return rowCount === 1;
}
