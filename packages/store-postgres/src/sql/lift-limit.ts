import { z } from 'zod';
import type { PgClient } from './queryable.js';

const backend = z.object({ pid: z.number() });
/** Times that the connection is looked for whose limit was lifted: a pooler may hand out another one. */
const ATTEMPTS = 20;

/**
 * Takes off a connection what the role or the database limits statements to. Behind a pooler in transaction mode the next
 * statement may run on another connection, which has the limit. @returns what puts the limit back, on that connection.
 */
export async function liftLimit(sql: PgClient): Promise<() => Promise<void>> {
  const { rows } = await sql.query({
    text: `SELECT pg_backend_pid() AS pid, set_config('statement_timeout', '0', false) FROM pg_settings WHERE name = 'statement_timeout' AND setting <> '0'`,
  });
  const lifted = rows.map((row) => backend.parse(row))[0];
  return async () => {
    if (lifted === undefined) return;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { rowCount } = await sql.query({
        text: `SELECT set_config('statement_timeout', reset_val, false) FROM pg_settings WHERE name = 'statement_timeout' AND pg_backend_pid() = $1`,
        values: [lifted.pid],
      });
      if (rowCount === 1) return;
    }
  };
}
