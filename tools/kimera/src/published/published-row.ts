/** One line of the comparison. */
export interface PublishedRow {
  /** Name of the group of facts. */
  readonly group: string;
  readonly fact: string;
  readonly published: string;
  readonly yours: string;
  readonly holds: boolean;
}

/** What a comparison finds. */
export type Comparison = Pick<PublishedRow, 'yours' | 'holds'>;

/** Seven digits: every tolerance is far above what they leave out. */
export function showFigure(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/** A text, or its beginning, as a row names it. */
export function quoted(text: string, limit = 24): string {
  const characters = Array.from(text);
  return `“${characters.length > limit ? `${characters.slice(0, limit - 1).join('')}…` : text}”`;
}
