import type { z } from 'zod';

/** What was expected, by the names that zod gives to types. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  // A field that may be anything, and is not there.
  nonoptional: 'a value',
};
/** Characters of a text that are repeated to whoever sent it. */
const SHOWN = 40;

/** A value that a schema refuses, in words: what was expected, and what came. */
export function inPlainWords(issue: z.core.$ZodIssue): string {
  return `expected ${expected(issue)}, got ${isSize(issue) ? sized(issue.input) : describe(issue.input)}`;
}

/** Where it is the size that is wrong, a list is told with its own. */
function sized(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? `a list of ${value.length}` : describe(value);
}

function isSize({ code }: z.core.$ZodIssue): boolean {
  return code === 'too_big' || code === 'too_small';
}

/** A number in full, the beginning of a text; of anything else its kind, whatever its size. */
export function describe(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return value === null ? 'null' : 'an object';
  if (typeof value !== 'string') return `a ${typeof value}`;
  return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value);
}

function expected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return `${SIZES[issue.origin] ?? 'a number of'} ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `${SIZES[issue.origin] ?? 'a number of'} ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    case 'unrecognized_keys':
      return `no field ${issue.keys.map((key) => JSON.stringify(key.slice(0, SHOWN))).join(', ')}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    // The schema says it in words: z.union(…, 'a text, or a list of texts').
    case 'invalid_format':
    case 'invalid_union':
    case 'custom':
      return issue.message;
    case 'invalid_key':
    case 'invalid_element':
      return 'fields and items that the description of the route has';
    default:
      return issue satisfies never;
  }
}

const SIZES: Readonly<Record<string, string>> = {
  string: 'a text whose length is',
  array: 'a list whose length is',
};

function oneOf(values: readonly z.core.util.Primitive[]): string {
  const shown = values.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value)));
  return shown.length === 1 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1) ?? ''}`;
}
