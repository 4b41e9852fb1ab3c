import type { QueryConfig, QueryResult } from 'pg';
import type { z } from 'zod';
import type { Pgvector } from './pgvector.js';

export type SqlValue = string | number | boolean | null | Buffer | readonly (string | null)[] | readonly Buffer[];

/** The least of node-postgres' clients that is used here. */
export interface PgClient {
  query(query: QueryConfig<unknown[]>): Promise<QueryResult>;
}

/** Statements with parsed answers, in a transaction or each in its own. */
export class Queryable {
  constructor(
    private readonly client: PgClient,
    private readonly extension: () => Pgvector,
  ) {}

  /** How SQL names what pgvector defines: every statement goes through it, since the extension may lie in any schema. */
  get pgvector(): Pgvector {
    return this.extension();
  }

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

  /** The same connection; what fails is told by `explain`. */
  explained(explain: (error: unknown) => unknown): Queryable {
    const query: PgClient['query'] = (config) =>
      this.client.query(config).catch((error: unknown) => {
        throw explain(error);
      });
    return new Queryable({ query }, this.extension);
  }

  /** Several statements without values, as one message. */
  async script(text: string): Promise<void> {
    await this.client.query({ text });
  }
}
