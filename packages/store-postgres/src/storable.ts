import { toWellFormed } from '@kimera/core';

/** Ids that a row can have: of others there are no rows, and PostgreSQL would refuse or change them. Each once. */
export function storableIds(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)].filter((id) => !id.includes('\0') && toWellFormed(id) === id);
}
