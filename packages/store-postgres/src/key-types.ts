import { toWellFormed } from '@kimera/core';

export type KeyType =
  'smallint' | 'integer' | 'bigint' | 'uuid' | 'text' | 'varchar' | 'boolean' | 'date' | 'timestamp' | 'timestamptz';

interface KeyTypeRules {
  /** In our tables. */
  readonly sql: string;
  /** SQL of a value's text, whatever the session's DateStyle and TimeZone. */
  readonly text: (value: string) => string;
}

const cast = (value: string): string => `${value}::text`;
// JSON has dates in ISO 8601 in every session, and `infinity`.
const json = (value: string): string => `(to_jsonb(${value}) #>> '{}')`;

export const KEY_TYPES: Readonly<Record<KeyType, KeyTypeRules>> = {
  smallint: { sql: 'smallint', text: cast },
  integer: { sql: 'integer', text: cast },
  bigint: { sql: 'bigint', text: cast },
  uuid: { sql: 'uuid', text: cast },
  text: { sql: 'text', text: cast },
  varchar: { sql: 'text', text: cast },
  boolean: { sql: 'boolean', text: cast },
  date: { sql: 'date', text: json },
  timestamp: { sql: 'timestamp', text: json },
  timestamptz: {
    sql: 'timestamptz',
    text: (value) => `regexp_replace(${json(`${value} AT TIME ZONE 'UTC'`)}, '^([0-9][0-9T:.-]+)', '\\1Z')`,
  },
};

const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const DATE = /^(?<year>[0-9]{4,7})-(?<month>[0-9]{2})-(?<day>[0-9]{2})(?<era> BC)?$/;
const TIMESTAMP = /^(?<date>[0-9]{4,6}-[0-9]{2}-[0-9]{2})T(?<clock>[0-9:.]+)(?<zone>Z?)(?<era>(?: BC)?)$/;
const CLOCK = /^(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{0,5}[1-9])?$/;
/** PostgreSQL 18, table 8.9: date and timestamp begin in 4713 BC. */
const LAST_YEAR = { date: 5_874_897, timestamp: 294_276 };
const YEARS_BC = 4_713;

/** Whether PostgreSQL gives a value of this type as this text. */
export function isCanonical(type: KeyType, text: string): boolean {
  switch (type) {
    case 'smallint':
      return isInteger(text, 16n);
    case 'integer':
      return isInteger(text, 32n);
    case 'bigint':
      return isInteger(text, 64n);
    case 'uuid':
      return UUID.test(text);
    case 'boolean':
      return text === 'true' || text === 'false';
    case 'date':
      return isInfinite(text) || isDate(text, LAST_YEAR.date);
    case 'timestamp':
      return isInfinite(text) || isTimestamp(text, '');
    case 'timestamptz':
      return isInfinite(text) || isTimestamp(text, 'Z');
    case 'text':
    case 'varchar':
      return !text.includes('\0') && toWellFormed(text) === text;
  }
}

function isInteger(text: string, bits: bigint): boolean {
  if (!INTEGER.test(text)) return false;
  const limit = 1n << (bits - 1n);
  const value = BigInt(text);
  return value >= -limit && value < limit;
}

function isInfinite(text: string): boolean {
  return text === 'infinity' || text === '-infinity';
}

function isTimestamp(text: string, wanted: 'Z' | ''): boolean {
  const { date = '', clock = '', zone = '', era = '' } = TIMESTAMP.exec(text)?.groups ?? {};
  return zone === wanted && CLOCK.test(clock) && isDate(date + era, LAST_YEAR.timestamp);
}

function isDate(text: string, last: number): boolean {
  const { year = '', month = '', day = '', era } = DATE.exec(text)?.groups ?? {};
  if (year === '' || (year.length > 4 && year.startsWith('0'))) return false;
  const written = Number(year);
  if (written < 1 || written > (era === undefined ? last : YEARS_BC)) return false;
  // The year before 1 is 1 BC: a leap year, as 4 is.
  const astronomical = era === undefined ? written : 1 - written;
  return Number(day) >= 1 && Number(day) <= daysOf(astronomical, Number(month));
}

/** 0 where there is no such month. */
function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
