import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { emptyDatabase, fakeSpace, rejection } from '@kimera/testing';
import { StoredCollections } from './stored-collections.js';

jest.setTimeout(120_000);
const query = { space: fakeSpace('docs').fingerprint, dense: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0) };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kimera-stored-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the collections of a database', () => {
  it('are none where there is no folder, and none is made', async () => {
    const collections = await StoredCollections.at(join(folder, 'none'));
    expect(await collections.names()).toEqual([]);
    for (const call of [() => collections.spaces('docs'), () => collections.search('docs', query, { limit: 1 })])
      expect(await rejection(call)).toMatchObject({ code: 'UNKNOWN_COLLECTION', known: [] });
    expect(await collections.names()).toEqual([]);
    await collections.close();
  });

  it.each(['postgress://me:hush@host/docs', 'host=db port=x password=hush', 'me:hush@host'])(
    'are refused at an address that is none: %s',
    async (address) => {
      const error = await rejection(() => StoredCollections.at(address));
      expect(error).toMatchObject({ code: 'DATABASE_ADDRESS' });
      expect(String(error)).not.toContain('hush');
    },
  );

  it('are asked again for each request while the server does not answer', async () => {
    const collections = await StoredCollections.at('postgres://me:hush@127.0.0.1:1/docs');
    for (let i = 0; i < 2; i++) {
      const error = await rejection(() => collections.names());
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', kind: 'retryable' });
      expect(String(error)).not.toContain('hush');
    }
    await collections.close();
    expect(await rejection(() => collections.names())).toMatchObject({ code: 'CLOSED' });
  });

  it('are found through the process that has the folder open, and without it once that has ended', async () => {
    const database = join(folder, 'data');
    const { openStore } = await import('@kimera/store-postgres');
    await emptyDatabase(database);
    const owner = await openStore({ database });
    await owner.collections.createCollection('docs', fakeSpace('docs'));
    const collections = await StoredCollections.at(database);
    expect(await collections.names()).toEqual(['docs']);
    await owner.close();
    expect(await rejection(() => collections.names())).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await collections.names()).toEqual(['docs']);
    expect((await collections.search('docs', query, { limit: 1 })).hits).toEqual([]);
    await collections.close();
  });
});
