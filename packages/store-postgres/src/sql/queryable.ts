import type { QueryConfig, QueryResult } from 'pg';
import type { z } from 'zod';

export type SqlValue = string | number | boolean | null | Buffer | readonly string[] | readonly Buffer[];

/** The least of node-postgres' clients that is used here. */
export interface PgClient {
  query(query: QueryConfig<unknown[]>): Promise<QueryResult>;
}

/** Statements with parsed answers, in a transaction or each in its own. */
export class Queryable {
  constructor(private readonly client: PgClient) {}

  /** @throws pg's DatabaseError. */
  async rows<T>(schema: z.ZodType<T>, text: string, values: readonly SqlValue[] = []): Promise<readonly T[]> {
    const { rows } = await this.client.query({ text, values: [...values] });
    return rows.map((row) => schema.parse(row));
  }

  /** The first row. */
  async row<T>(schema: z.ZodType<T>, text: string, values: readonly SqlValue[] = []): Promise<T | undefined> {
    const [first] = await this.rows(schema, text, values);
    return first;
  }

  /** Rows that the statement changed. */
  async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
    const { rowCount } = await this.client.query({ text, values: [...values] });
    return rowCount ?? 0;
  }

  /** Several statements without values, as one message. */
  async script(text: string): Promise<void> {
    await this.client.query({ text });
  }

  /** As pg-boss asks of a database. */
  async executeSql(text: string, values: unknown[] = []): Promise<{ rows: Record<string, unknown>[] }> {
    const result = await this.client.query(values.length === 0 ? { text } : { text, values });
    return { rows: lastOf(result)?.rows ?? [] };
  }
}

/** A message of several statements is answered by an array, which the types of node-postgres do not say. */
function lastOf(
  result: QueryResult<Record<string, unknown>> | QueryResult<Record<string, unknown>>[],
): QueryResult<Record<string, unknown>> | undefined {
  return Array.isArray(result) ? result.at(-1) : result;
}
