import { describe, expect, it } from '@jest/globals';
import { NoTenantsError, SpaceMismatchError, UnknownCollectionError, type EmbeddingSpace } from '@kimera/core';
import { FakeEmbedder, type FakeEmbedderCall } from '@kimera/testing';
import { cutOver, rollBack, searchCollection, type SearchParts } from './index.js';
import { COLLECTION, journey, ready, SOURCE_SPACE, TARGET_SPACE, text, type Journey } from './journey.fixture.js';

/** Models of both spaces; `before` runs while one of them embeds. */
function searching({ store }: Journey, before: (call: FakeEmbedderCall, space: EmbeddingSpace) => Promise<void>) {
  const calls: string[] = [];
  const parts: SearchParts = {
    store,
    collection: COLLECTION,
    modelOf: async (space) => {
      calls.push(space.fingerprint);
      return new FakeEmbedder({
        space,
        shift: space.fingerprint === TARGET_SPACE.fingerprint ? 3 : 0,
        before: (call) => before(call, space),
      });
    },
  };
  return { parts, calls };
}
const nothing = async (): Promise<void> => undefined;

describe('a search in a collection', () => {
  it('is in the active space, with the prompt of queries, in the lane of requests', async () => {
    const seen: FakeEmbedderCall[] = [];
    const { parts } = searching(await journey(), async (call) => void seen.push(call));
    const { hits, space, scan, truncated } = await searchCollection(parts, text(7), { limit: 3, text: 'with' });
    expect(hits).toHaveLength(3);
    expect(hits[0]).toMatchObject({ id: 'r00007', text: text(7), stale: false });
    expect([space, scan, truncated]).toEqual([SOURCE_SPACE.fingerprint, 'exact', false]);
    expect(seen).toEqual([{ texts: [text(7)], role: 'query', lane: 'interactive' }]);
  });

  it('shows a changed row as stale, or not where fresh rows are asked for, and a deleted row never', async () => {
    const migration = await journey();
    const [row] = await migration.store.vectors.readVectors(COLLECTION, SOURCE_SPACE.fingerprint, ['r00007']);
    await migration.store.writeAsApplication(COLLECTION, [{ id: 'r00007', text: 'changed' }]);
    if (row !== undefined) await migration.store.damage(COLLECTION, SOURCE_SPACE.fingerprint, row);
    await migration.store.deleteAsApplication(COLLECTION, ['r00008']);
    const { parts } = searching(migration, nothing);
    const all = await searchCollection(parts, text(7), { limit: 100 });
    expect(all.hits[0]).toMatchObject({ id: 'r00007', stale: true });
    expect(all.hits.map(({ id }) => id)).not.toContain('r00008');
    const fresh = await searchCollection(parts, text(7), { limit: 100, rows: 'fresh' });
    expect(fresh.hits).toHaveLength(98);
    expect(fresh.hits.every(({ stale, id }) => !stale && id !== 'r00007')).toBe(true);
  });

  it('says where a query was cut', async () => {
    const { parts } = searching(await journey(), nothing);
    const long = Array.from({ length: SOURCE_SPACE.maxTokens + 5 }, () => 'word').join(' ');
    expect((await searchCollection(parts, long, { limit: 1 })).truncated).toBe(true);
  });

  it('is embedded once more where a cutover comes between embedding and searching', async () => {
    const migration = await ready(await journey());
    let moved = false;
    const { parts, calls } = searching(migration, async () => {
      if (!moved) await cutOver(migration);
      moved = true;
    });
    const { hits, space } = await searchCollection(parts, text(7), { limit: 1 });
    expect([space, hits[0]?.id]).toEqual([TARGET_SPACE.fingerprint, 'r00007']);
    expect(calls).toEqual([SOURCE_SPACE.fingerprint, TARGET_SPACE.fingerprint]);
    // The very next search asks the new space first.
    await searchCollection(parts, text(7), { limit: 1 });
    expect(calls.slice(2)).toEqual([TARGET_SPACE.fingerprint]);
  });

  it('is refused where the space changes twice, with the active space in the error', async () => {
    const migration = await ready(await journey());
    const { parts } = searching(migration, async (_call, space) => {
      if (space.fingerprint === SOURCE_SPACE.fingerprint) await cutOver(migration);
      else await rollBack(migration);
    });
    await expect(searchCollection(parts, text(7), { limit: 1 })).rejects.toMatchObject({
      code: 'SPACE_MISMATCH',
      expected: SOURCE_SPACE.fingerprint,
      actual: TARGET_SPACE.fingerprint,
    });
  });

  it('takes a vector of the active space, and no other', async () => {
    const { parts, calls } = searching(await journey(), nothing);
    const dense = (await new FakeEmbedder({ space: SOURCE_SPACE }).encodeText(text(9))).dense ?? new Float32Array();
    const query = { space: SOURCE_SPACE.fingerprint, dense };
    expect((await searchCollection(parts, query, { limit: 1 })).hits[0]?.id).toBe('r00009');
    await expect(
      searchCollection(parts, { ...query, space: TARGET_SPACE.fingerprint }, { limit: 1 }),
    ).rejects.toBeInstanceOf(SpaceMismatchError);
    expect(calls).toEqual([]);
  });

  it('is refused for a tenant where rows have none, and for a collection that is not there', async () => {
    const { parts } = searching(await journey(), nothing);
    await expect(searchCollection(parts, 'a', { limit: 1, tenant: 'acme' })).rejects.toBeInstanceOf(NoTenantsError);
    await expect(searchCollection({ ...parts, collection: 'other' }, 'a', { limit: 1 })).rejects.toMatchObject({
      code: new UnknownCollectionError('', []).code,
      known: [COLLECTION],
    });
  });

  it('ends with the reason of its signal', async () => {
    const { parts } = searching(await journey(), nothing);
    const stopped = AbortSignal.abort(new Error('the client has gone'));
    await expect(searchCollection(parts, 'a', { limit: 1, signal: stopped })).rejects.toThrow('the client has gone');
  });
});
