/** One line of a verification. */
export interface Check {
  readonly name: string;
  readonly expected: string;
  readonly actual: string;
  readonly holds: boolean;
}
