import { expect, it } from '@jest/globals';
import { ifPresent, isAbsence } from './index.js';

const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

it.each([
  ['ENOENT', true],
  ['ENOTDIR', true],
  ['EACCES', false],
])('%s says that nothing is there: %s', async (code, absent) => {
  const open = failing(code);
  expect(isAbsence(await open().catch((error: unknown) => error))).toBe(absent);
  const outcome = await ifPresent(open).catch((error: unknown) => error);
  expect(outcome).toEqual(absent ? undefined : expect.objectContaining({ code }));
});

it('what is there is given, and a failure without a code is not an absence', async () => {
  expect(await ifPresent(() => Promise.resolve(0))).toBe(0);
  expect([undefined, null, 'ENOENT', new Error('ENOENT')].map(isAbsence)).toEqual([false, false, false, false]);
});
