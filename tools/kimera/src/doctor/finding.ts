/** `fine`; `note`: works, and somebody may want to know; `problem`: does not work, with what to do. */
export type FindingState = 'fine' | 'note' | 'problem';

/** One line of the doctor. */
export interface Finding {
  readonly area: 'machine' | 'runtime' | 'model' | 'database' | 'environment';
  readonly what: string;
  readonly state: FindingState;
  readonly value: string;
  /** What to do about a problem, or what a note means. */
  readonly advice?: string;
}
