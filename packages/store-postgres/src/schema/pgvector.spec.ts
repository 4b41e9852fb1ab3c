import { expect, it } from '@jest/globals';
import { PgvectorMissingError } from '../errors.js';
import { Queryable } from '../sql/queryable.js';
import { ensurePgvector } from './pgvector.js';

/** A database without the extension, where installing it fails with this SQLSTATE. */
function failingWith(code: string): Queryable {
  return new Queryable(
    {
      query: ({ text }) =>
        text.startsWith('CREATE EXTENSION')
          ? Promise.reject(Object.assign(new Error(`state ${code}`), { code }))
          : Promise.resolve({ rows: [], rowCount: 0, command: '', oid: 0, fields: [] }),
    },
    () => {
      throw new Error('there is no extension');
    },
  );
}

it.each([
  ['0A000', 'not available on this server'],
  ['58P01', 'its control file is missing'],
  ['42501', 'this role may not install it'],
])('%s: the extension cannot be had, %s', async (code) => {
  await expect(ensurePgvector(failingWith(code))).rejects.toThrow(PgvectorMissingError);
});

it.each([
  ['57014', 'a statement that a limit ended'],
  ['53100', 'a full disk'],
  ['53200', 'no memory'],
  ['40P01', 'a deadlock'],
])('%s: %s says nothing of the extension, and stays what it is', async (code) => {
  await expect(ensurePgvector(failingWith(code))).rejects.toThrow(expect.objectContaining({ code }));
});
