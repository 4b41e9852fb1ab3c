import { z } from 'zod';
import { HttpError } from '../../errors.js';
import { describe } from './plain-words.js';
import type { TokenLimit } from '../embedding/token-limit.js';

/** What a request wants embedded: B items, each a text or its token ids. */
export type Input = readonly Item[];
export type Item = string | Int32Array;

export interface InputRules {
  /** The field of the body that holds the inputs. */
  readonly param: string;
  readonly maxItems: number;
  /** Of the lists of ids; texts are counted once they are tokenised. */
  readonly tokenLimit: TokenLimit;
  /** Message of an empty list, in the words of the route's contract. */
  readonly empty: string;
  /** Message of more than `maxItems`, in the words of the route's contract. */
  readonly tooMany: (limit: number, actual: number) => string;
}

/** Larger ids would wrap around to other tokens in the int32 that the model reads. */
const MAX_TOKEN_ID = 2 ** 31 - 1;

/**
 * What `parseInput` takes, as a schema: it tries every form on every item, so it is for the API document and the tests
 * alone.
 */
export function inputSchema(maxItems: number): z.ZodType<string | number[] | (string | number[])[]> {
  const text = z.string().min(1);
  const ids = z.array(z.int().min(0).max(MAX_TOKEN_ID)).min(1);
  return z.union([
    text,
    ids,
    z
      .array(z.union([text, ids]))
      .min(1)
      .max(maxItems),
  ]);
}

/** A field that `parseInput` reads, as the API document describes it. */
export function inputField(maxItems: number): z.ZodType {
  return described(inputSchema(maxItems));
}

/** A field that is not looked at here. @param schema for the API document. */
function described(schema: z.ZodType): z.ZodType {
  return z.unknown().meta({ ...z.toJSONSchema(schema), $schema: undefined });
}

/**
 * `"text"`, `[ids…]` (one input), `["text", [ids…], …]`. A body of 8 MB holds four million items, so lengths are
 * checked before items are looked at, and the first wrong item ends it.
 * @throws HttpError naming the item.
 */
export function parseInput(value: unknown, { param, maxItems, tokenLimit, empty, tooMany }: InputRules): Input {
  if (typeof value === 'string') return [parseText(value, param, 0)];
  if (!isList(value)) throw unexpected(param, 'a text, a list of token ids, or a list of texts and such lists', value);
  if (value.length === 0) throw new HttpError('empty_input', empty, param);
  const [first] = value;
  if (typeof first === 'number') {
    tokenLimit.check([value.length]);
    return [parseIds(value, param, 0)];
  }
  checkItemCount(value.length, maxItems, param, tooMany);
  const items = value.map((item, index) => checkItem(item, param, index));
  tokenLimit.check(items.map((item) => (typeof item === 'string' ? 0 : item.length)));
  return items.map((item, index) => (typeof item === 'string' ? item : parseIds(item, `${param}.${index}`, index)));
}

/** A field that `parseIdLists` reads, as the API document describes it. */
export function idListsField(maxItems: number): z.ZodType {
  const ids = z.array(z.int().min(0).max(MAX_TOKEN_ID));
  return described(z.union([ids.min(1), z.array(ids).min(1).max(maxItems)]));
}

/** `[ids…]` (one list) or `[[ids…], …]`. @throws HttpError naming the item. */
export function parseIdLists(value: unknown, param: string, maxItems: number): readonly Int32Array[] {
  if (!isList(value)) throw unexpected(param, 'a list of token ids, or a list of such lists', value);
  if (typeof value[0] === 'number') return [parseIds(value, param, 0)];
  checkItemCount(
    value.length,
    maxItems,
    param,
    (limit, actual) => `${param} has ${actual} lists, the limit is ${limit}`,
  );
  return value.map((list, index) => {
    if (!isList(list)) throw unexpected(`${param}.${index}`, 'a list of token ids', list);
    return parseIds(list, `${param}.${index}`, index);
  });
}

/** A field that `parseTexts` reads, as the API document describes it. */
export function textsField(maxItems: number): z.ZodType {
  return described(z.union([z.string(), z.array(z.string()).max(maxItems)]));
}

/** `"text"` or `["text", …]`; texts may be empty. @throws HttpError naming the item. */
export function parseTexts(value: unknown, param: string, maxItems: number): readonly string[] {
  if (typeof value === 'string') return [value];
  if (!isList(value)) throw unexpected(param, 'a text, or a list of texts', value);
  checkItemCount(value.length, maxItems, param);
  return value.map((item, index) => {
    if (typeof item !== 'string') throw unexpected(`${param}.${index}`, 'a text', item);
    return item;
  });
}

/** @throws HttpError where a list has more items than it may. */
export function checkItemCount(
  actual: number,
  limit: number,
  param: string,
  tooMany: InputRules['tooMany'] = () => `${param} has ${actual} items, the limit is ${limit}`,
): void {
  if (actual > limit) throw new HttpError('invalid_request', tooMany(limit, actual), param, { limit, actual });
}

/** One of the items of a list. @throws HttpError naming it. */
export function parseItem(value: unknown, param: string, index: number): Item {
  const item = checkItem(value, param, index);
  return typeof item === 'string' ? item : parseIds(item, `${param}.${index}`, index);
}

/** A text, or a list whose ids are not looked at yet. */
function checkItem(item: unknown, param: string, index: number): string | readonly unknown[] {
  if (typeof item === 'string') return parseText(item, param, index);
  if (!isList(item)) throw unexpected(`${param}.${index}`, 'a text or a list of token ids', item);
  if (item.length === 0) throw unexpected(`${param}.${index}`, 'at least one token id', item);
  return item;
}

function parseText(text: string, param: string, index: number): string {
  if (text === '') throw new HttpError('empty_input', `${param} ${index} is an empty string`, param, { index });
  return text;
}

/** @param index of the input that the ids are. */
function parseIds(list: readonly unknown[], path: string, index: number): Int32Array {
  const ids = new Int32Array(list.length);
  for (let at = 0; at < list.length; at += 1) {
    const id = list[at];
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0)
      throw unexpected(`${path}.${at}`, `a whole number from 0 to ${MAX_TOKEN_ID}`, id);
    if (id > MAX_TOKEN_ID)
      throw new HttpError(
        'invalid_token_id',
        `${path}.${at}: token id ${id} is beyond ${MAX_TOKEN_ID}`,
        `${path}.${at}`,
        { limit: MAX_TOKEN_ID, actual: id, index },
      );
    ids[at] = id;
  }
  return ids;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function unexpected(path: string, expected: string, actual: unknown): HttpError {
  return new HttpError('invalid_request', `${path}: expected ${expected}, got ${describe(actual)}`, path);
}
