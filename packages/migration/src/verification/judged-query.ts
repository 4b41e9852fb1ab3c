/** A query whose relevant rows are known. */
export interface JudgedQuery {
  readonly id: string;
  readonly text: string;
  /** Row id → grade > 0. */
  readonly relevant: Readonly<Record<string, number>>;
  /** A group that is judged on its own too, such as the language or the tenant. */
  readonly slice?: string;
}
