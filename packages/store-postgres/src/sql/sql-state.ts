/** SQLSTATEs, https://www.postgresql.org/docs/18/errcodes-appendix.html. */
export const UNDEFINED_TABLE = '42P01';
export const DUPLICATE_TABLE = '42P07';
export const UNIQUE_VIOLATION = '23505';
export const DEPENDENT_OBJECTS = '2BP01';
export const UNDEFINED_COLUMN = '42703';
const UNDEFINED_FUNCTION = '42883';
const DATATYPE_MISMATCH = '42804';
export const INSUFFICIENT_PRIVILEGE = '42501';
export const QUERY_CANCELED = '57014';
/** A class: disk, memory, connections. */
const INSUFFICIENT_RESOURCES = '53';
const DEADLOCK = '40P01';
const LOCK_NOT_AVAILABLE = '55P03';
const DUPLICATE_OBJECT = '42710';
const DUPLICATE_SCHEMA = '42P06';
/** Two that change one row of the catalogue at once: "tuple concurrently updated". */
const INTERNAL = 'XX000';

export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A statement that does not fit the tables and functions that are there. */
export function isMisfit(error: unknown): boolean {
  const state = sqlState(error);
  return state === UNDEFINED_COLUMN || state === UNDEFINED_FUNCTION || state === DATATYPE_MISMATCH;
}

/** A transaction that another one made fail, and that may be run again. */
export function isContention(error: unknown): boolean {
  const state = sqlState(error);
  return state === DEADLOCK || state === LOCK_NOT_AVAILABLE;
}

/** Says nothing of the statement: it was ended by a limit or on request, or the server was short of something. */
export function isLimitOrShortage(error: unknown): boolean {
  const state = sqlState(error);
  return state === QUERY_CANCELED || state?.startsWith(INSUFFICIENT_RESOURCES) === true;
}

/** What two that define the same thing at once can meet, `IF NOT EXISTS` or not. */
export function isRaceOfDefinitions(error: unknown): boolean {
  const state = sqlState(error);
  return (
    isContention(error) ||
    [UNIQUE_VIOLATION, DUPLICATE_OBJECT, DUPLICATE_SCHEMA, DUPLICATE_TABLE, INTERNAL].some((known) => known === state)
  );
}
