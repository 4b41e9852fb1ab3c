import { expect, it } from '@jest/globals';
import { HttpError } from '../../errors.js';
import { REFUSALS, refusalOf, type HttpErrorCode } from './refusals.js';

const names = Object.keys(REFUSALS) as readonly HttpErrorCode[];

it('has each code in one row', () => {
  const codes = names.flatMap((name) => REFUSALS[name].codes.map((code) => [code, name] as const));
  expect(codes.length).toBeGreaterThan(50);
  expect(new Set(codes.map(([code]) => code)).size).toBe(codes.length);
  for (const [code, name] of codes) expect(refusalOf(code)).toBe(name);
});

it.each(names)('%s has statuses that say who has to act', (name) => {
  const { kind, openai, tei } = REFUSALS[name];
  expect(new HttpError(name, 'refused').kind).toBe(kind);
  for (const [status] of [openai, tei]) {
    const expected =
      status === 500 ? 'internal' : status === 429 || status === 503 || status === 504 ? 'retryable' : 'caller';
    expect(kind).toBe(expected);
  }
});
