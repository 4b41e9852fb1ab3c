import { KimeraError } from './errors/kimera-error.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A value that JSON cannot carry exactly. */
export class NotCanonicalError extends KimeraError {
  readonly code = 'NOT_CANONICAL';
  constructor(value: unknown) {
    super(`${typeof value === 'number' ? String(value) : typeof value} has no canonical JSON form`, { type: typeof value });
  }
}

/**
 * RFC 8785 (JCS): no white space, object keys sorted by UTF-16 code units, numbers as ECMAScript prints them, strings as `JSON.stringify`.
 * @throws NotCanonicalError for NaN, infinities and values that are not JSON.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotCanonicalError(value);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as JsonValue)).join(',')}]`;
  if (typeof value !== 'object') throw new NotCanonicalError(value);
  const entries = Object.entries(value as Record<string, JsonValue>);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
