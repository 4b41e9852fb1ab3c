import { afterEach, describe, expect, it } from '@jest/globals';
import { NoTenantsError, UnknownCollectionError, type CollectionSpaces, type EmbeddingSpace } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import { FakeBackend, fakeSpace, inlineBatchTokenizer } from '@kimera/testing';
import { ModelOfSpaceNotFoundError } from './errors.js';
import { ModelsOnDemand } from './models-on-demand.js';
import { NamedModels } from './named-models.js';
import { ServingModels, type ServingModelsParts } from './serving-models.js';

const SERVED = fakeSpace('served');
const [OLD, NEW] = [fakeSpace('old'), fakeSpace('new')];
const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((each) => each.close()));
});

const embedder = (space: EmbeddingSpace): Embedder =>
  new Embedder({ backend: new FakeBackend({ space }), tokenizer: inlineBatchTokenizer(), probes: [] });

interface Setting {
  readonly primary?: ServingModelsParts['primary'];
  /** By name with tenant; `served` is also the name of the model. */
  readonly collections?: Map<string, CollectionSpaces>;
  /** Whose models are not at hand. */
  readonly missing?: readonly EmbeddingSpace[];
}

function named({ primary = embedder(SERVED), collections, missing = [] }: Setting = {}) {
  const opened: string[] = [];
  const asked: string[] = [];
  const warnings: string[] = [];
  const served = new ServingModels({ primary });
  const onDemand = new ModelsOnDemand({
    open: async (space) => {
      if (missing.includes(space)) throw new ModelOfSpaceNotFoundError(space.fingerprint, space.modelId, ['/secret']);
      opened.push(space.modelId);
      return embedder(space);
    },
  });
  closing.push(served, onDemand);
  const names = new NamedModels({
    served,
    onDemand,
    logger: { info: () => undefined, error: () => undefined, warn: (_fields, line) => void warnings.push(line) },
    collections:
      collections === undefined
        ? undefined
        : {
            spaces: async (name, tenant) => {
              asked.push(name);
              if (tenant !== undefined && name === 'docs') throw new NoTenantsError(name);
              const found = collections.get(tenant === undefined ? name : `${name}@${tenant}`);
              if (found === undefined) throw new UnknownCollectionError(name, [...collections.keys()]);
              return found;
            },
          },
  });
  const modelOf = (name: string) => names.use(name, async ({ space }) => space.modelId);
  return { names, modelOf, opened, asked, warnings };
}

describe('a name in a request', () => {
  it('of a model is the model’s, and no collection is looked up', async () => {
    const { modelOf, asked } = named({ collections: new Map([['served', { active: OLD, others: [] }]]) });
    expect([await modelOf('fake/served'), await modelOf('served')]).toEqual(['fake/served', 'fake/served']);
    expect(asked).toEqual([]);
  });

  it('of a collection is the model of its active space, looked up for each request', async () => {
    const collections = new Map<string, CollectionSpaces>([['docs', { active: OLD, others: [] }]]);
    const { names, modelOf, opened } = named({ collections });
    expect(await modelOf('docs')).toBe('fake/old');
    collections.set('docs', { active: NEW, others: [OLD] });
    expect(await modelOf('docs')).toBe('fake/new');
    expect(await modelOf('docs')).toBe('fake/new');
    expect(opened).toEqual(['fake/old', 'fake/new']);
    expect(names.all.map(({ space }) => space.modelId).sort()).toEqual(['fake/new', 'fake/old', 'fake/served']);
    // A space that is served already is not opened a second time.
    collections.set('docs', { active: SERVED, others: [] });
    expect(await modelOf('docs')).toBe('fake/served');
    expect(opened).toHaveLength(2);
  });

  it('of a collection under migration opens the other model too, before it is asked for', async () => {
    const { names, modelOf, opened } = named({
      collections: new Map([['docs', { active: SERVED, others: [NEW] }]]),
    });
    expect(await modelOf('docs')).toBe('fake/served');
    while (names.all.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(opened).toEqual(['fake/new']);
  });

  it('may have a tenant behind an @', async () => {
    const { modelOf } = named({
      collections: new Map<string, CollectionSpaces>([
        ['tickets', { active: OLD, others: [NEW] }],
        ['tickets@acme', { active: NEW, others: [OLD] }],
        ['tickets@a@b', { active: SERVED, others: [] }],
      ]),
    });
    expect([await modelOf('tickets'), await modelOf('tickets@acme'), await modelOf('tickets@a@b')]).toEqual([
      'fake/old',
      'fake/new',
      'fake/served',
    ]);
  });

  it('with a tenant of a collection that has none is refused', async () => {
    const { modelOf } = named({ collections: new Map([['docs', { active: OLD, others: [] }]]) });
    await expect(modelOf('docs@acme')).rejects.toMatchObject({ code: 'NO_TENANTS' });
  });

  it.each(['gpt-4', 'fake/other', 'Docs', '', '@acme'])(
    'that no collection can have (%j) asks no database',
    async (name) => {
      const { modelOf, asked } = named({ collections: new Map() });
      await expect(modelOf(name)).rejects.toMatchObject({ code: 'MODEL_NOT_SERVED', available: ['fake/served'] });
      expect(asked).toEqual([]);
    },
  );

  it('of nothing is refused with the models and the collections that there are', async () => {
    const { modelOf } = named({ collections: new Map([['docs', { active: OLD, others: [] }]]) });
    await expect(modelOf('other')).rejects.toMatchObject({
      code: 'MODEL_NOT_SERVED',
      available: ['fake/served', 'docs'],
    });
    await expect(named().modelOf('docs')).rejects.toMatchObject({ code: 'MODEL_NOT_SERVED' });
  });

  it('finds a collection also where the model that the server is for could not be opened', async () => {
    const { modelOf } = named({
      primary: { path: '/models/a', reason: 'it is broken' },
      collections: new Map([['docs', { active: OLD, others: [] }]]),
    });
    expect(await modelOf('docs')).toBe('fake/old');
    await expect(modelOf('other')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it('of a collection whose model is not at hand says so without a path, and is answered by no other model', async () => {
    const { modelOf } = named({
      collections: new Map([['docs', { active: OLD, others: [] }]]),
      missing: [OLD],
    });
    const refused = await modelOf('docs').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'MODEL_UNAVAILABLE', message: expect.stringContaining(OLD.fingerprint) });
    expect(String(refused)).not.toContain('/secret');
  });

  it('is answered though the other model of the migration is missing, which is logged once', async () => {
    const { modelOf, warnings } = named({
      collections: new Map([['docs', { active: SERVED, others: [NEW] }]]),
      missing: [NEW],
    });
    expect([await modelOf('docs'), await modelOf('docs')]).toEqual(['fake/served', 'fake/served']);
    await new Promise((resolve) => setImmediate(resolve));
    await modelOf('docs');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('fake/new');
  });
});
