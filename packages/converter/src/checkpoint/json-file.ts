import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import type { z } from 'zod';
import { InvalidConfigurationError } from '../errors.js';
import { shown } from './accounting.js';

/** A configuration file of a checkpoint, or undefined where there is none. @throws InvalidConfigurationError. */
export async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(folder, name);
  if (text === undefined) return undefined;
  return checked(name, parse(name, text), schema);
}

/** Python writes numbers that JSON does not have, and reads them: NaN, Infinity. They count as null here. */
function parse(name: string, text: string): unknown {
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (part) =>
    part.startsWith('"') ? part : 'null',
  );
  try {
    return JSON.parse(plain);
  } catch (cause) {
    throw new InvalidConfigurationError(name, `not JSON: ${cause instanceof Error ? cause.message : ''}`);
  }
}

/** A value of a configuration file by its schema. @param name of the file. @throws InvalidConfigurationError. */
export function checked<T>(name: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidConfigurationError(name, explain(parsed.error, value));
  return parsed.data;
}

/** What is wrong in words: which key, what it is, what it has to be. */
export function explain(error: z.ZodError, value: unknown): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'not what is expected';
  const at = issue.path.map(String).join('.');
  const found = issue.path.reduce<unknown>(
    (parent, key) => (parent as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[key],
    value,
  );
  if (found === undefined && at !== '') return `${at} is missing`;
  return `${at === '' ? 'the content' : at} is ${shown(found)}, expected ${expectation(issue)}`;
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected === 'record' ? 'object' : issue.expected}`;
    case 'too_big':
      return `at most ${issue.maximum}${issue.origin === 'array' ? ' entries' : ''}`;
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${issue.origin === 'array' ? ' entries' : ''}`;
    case 'invalid_value':
      return issue.values.map(shown).join(' or ');
    default:
      return 'another kind of value';
  }
}

export async function readText(folder: string, name: string): Promise<string | undefined> {
  return ifPresent(() => readFile(join(folder, name), 'utf8'));
}
