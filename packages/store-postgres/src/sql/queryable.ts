import type { QueryConfig, QueryResult } from 'pg';
import type { z } from 'zod';

export type SqlValue = string | number | boolean | null | Buffer | readonly (string | null)[] | readonly Buffer[];

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

  /** The same connection; what fails is told by `explain`. */
  explained(explain: (error: unknown) => unknown): Queryable {
    return new Queryable({
      query: (query) =>
        this.client.query(query).catch((error: unknown) => {
          throw explain(error);
        }),
    });
  }

  /** Several statements without values, as one message. */
  async script(text: string): Promise<void> {
    await this.client.query({ text });
  }
}
