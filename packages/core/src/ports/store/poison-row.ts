/** A row that could not be embedded, and why. In a migration it blocks the cutover until it is excused. */
export interface PoisonRow {
  readonly id: string;
  readonly contentHash: string;
  readonly reason: string;
}
