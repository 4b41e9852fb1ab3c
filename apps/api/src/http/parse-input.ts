import { HttpError } from '../errors.js';
import type { TokenLimit } from './token-limit.js';

/** What a request wants embedded: B texts, or B texts as token ids. */
export type Input =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'ids'; readonly ids: readonly Int32Array[] };

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
 * `"text"`, `["text", …]`, `[ids…]` (one input), `[[ids…], …]`. The first item says which; a body of 8 MB holds four
 * million, so lengths are checked before items are looked at, and the first wrong item ends it.
 * @throws HttpError naming the item.
 */
export function parseInput(value: unknown, { param, maxItems, tokenLimit, empty, tooMany }: InputRules): Input {
  if (typeof value === 'string') return { kind: 'texts', texts: [value] };
  if (!isList(value))
    throw unexpected(param, 'a text, a list of texts, a list of token ids or a list of such lists', value);
  if (value.length === 0) throw new HttpError('empty_input', empty, param);
  const [first] = value;
  if (typeof first === 'number') {
    tokenLimit.check([value.length]);
    return { kind: 'ids', ids: [parseIds(value, param, 0)] };
  }
  if (value.length > maxItems)
    throw new HttpError('invalid_request', tooMany(maxItems, value.length), param, {
      limit: maxItems,
      actual: value.length,
    });
  if (typeof first === 'string')
    return { kind: 'texts', texts: value.map((text, index) => parseText(text, `${param}.${index}`)) };
  if (!isList(first)) throw unexpected(`${param}.0`, 'a text, a token id or a list of token ids', first);
  const lists = value.map((list, index) => parseList(list, `${param}.${index}`));
  tokenLimit.check(lists.map(({ length }) => length));
  return { kind: 'ids', ids: lists.map((list, index) => parseIds(list, `${param}.${index}`, index)) };
}

function parseText(text: unknown, path: string): string {
  if (typeof text !== 'string') throw unexpected(path, 'a text, like the first', text);
  return text;
}

function parseList(list: unknown, path: string): readonly unknown[] {
  if (!isList(list)) throw unexpected(path, 'a list of token ids, like the first', list);
  if (list.length === 0) throw unexpected(path, 'at least one token id', list);
  return list;
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
  return new HttpError('invalid_request', `${path}: expected ${expected}, got ${inWords(actual)}`, path);
}

/** A number in full; of anything else its kind, whatever its size. */
function inWords(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (value === undefined) return 'nothing';
  if (isList(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return value === null ? 'null' : 'an object';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}
