import { describe, expect, it } from '@jest/globals';
import type { EmbeddingSpace } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import { FakeBackend, fakeSpace, inlineBatchTokenizer } from '@kimera/testing';
import { ModelsOnDemand } from './models-on-demand.js';

const [A, B, C] = [fakeSpace('a'), fakeSpace('b'), fakeSpace('c')];

/** Says what was opened and closed. */
function models(kept = 2, fails: readonly EmbeddingSpace[] = []) {
  const events: string[] = [];
  let time = 0;
  const onDemand = new ModelsOnDemand({
    kept,
    now: () => time,
    open: async (space) => {
      events.push(`open ${space.modelId}`);
      if (fails.includes(space)) throw new Error(`${space.modelId} is broken`);
      const backend = new FakeBackend({ space });
      const close = backend.close.bind(backend);
      backend.close = async () => {
        events.push(`close ${space.modelId}`);
        await close();
      };
      return new Embedder({ backend, tokenizer: inlineBatchTokenizer(), probes: [] });
    },
  });
  const name = (space: EmbeddingSpace) => onDemand.use(space, async (embedder) => embedder.space.modelId);
  const pass = (milliseconds: number): void => {
    time += milliseconds;
  };
  return { onDemand, events, name, pass };
}

describe('models on demand', () => {
  it('are opened once and kept, two of them: of more the one that was used longest ago is closed', async () => {
    const { onDemand, events, name } = models();
    expect(await Promise.all([name(A), name(A), name(B), name(A)])).toEqual(['fake/a', 'fake/a', 'fake/b', 'fake/a']);
    expect(events).toEqual(['open fake/a', 'open fake/b']);
    await name(C);
    expect(onDemand.all.map(({ space }) => space.modelId)).toEqual(['fake/a', 'fake/c']);
    await onDemand.close();
    expect(events.slice(2).sort()).toEqual(['close fake/a', 'close fake/b', 'close fake/c', 'open fake/c']);
  });

  it('are not closed while they are used', async () => {
    const { onDemand, events, name } = models(1);
    let finish = (): void => undefined;
    const held = onDemand.use(A, async (embedder) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return (await embedder.encodeText('a')).space;
    });
    expect(await name(B)).toBe('fake/b');
    expect(events).toEqual(['open fake/a', 'open fake/b', 'close fake/b']);
    finish();
    expect(await held).toBe(A.fingerprint);
    expect(onDemand.all.map(({ space }) => space.modelId)).toEqual(['fake/a']);
    await onDemand.close();
  });

  it('that fail to open are opened again by the next call', async () => {
    const broken = [A];
    const { onDemand, name } = models(2, broken);
    await expect(name(A)).rejects.toThrow('fake/a is broken');
    broken.pop();
    expect(await name(A)).toBe('fake/a');
    await onDemand.close();
  });

  it('are prepared where there is room, and where that fails left alone for a minute', async () => {
    const { onDemand, events, name, pass } = models(1, [B]);
    await expect(onDemand.prepare(B)).rejects.toThrow('fake/b is broken');
    await onDemand.prepare(B);
    pass(59_999);
    await onDemand.prepare(B);
    expect(events).toEqual(['open fake/b']);
    pass(1);
    await expect(onDemand.prepare(B)).rejects.toThrow('fake/b is broken');
    await onDemand.prepare(A);
    await onDemand.prepare(C);
    expect(await name(A)).toBe('fake/a');
    expect(events).toEqual(['open fake/b', 'open fake/b', 'open fake/a']);
    await onDemand.close();
  });

  it('refuse once they are closed', async () => {
    const { onDemand, name } = models();
    await onDemand.close();
    await expect(name(A)).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('room for models on demand', () => {
  /** Each has ten bytes but for those that are named. */
  function bounded({
    memoryBytes,
    idleMilliseconds,
    sizes = {},
  }: {
    memoryBytes?: number;
    idleMilliseconds?: number;
    sizes?: Record<string, number>;
  }) {
    const events: string[] = [];
    let time = 0;
    const onDemand = new ModelsOnDemand({
      kept: 10,
      now: () => time,
      memoryBytes,
      idleMilliseconds,
      bytesOf: async ({ modelId }) => sizes[modelId] ?? 10,
      open: async (space) => {
        events.push(`open ${space.modelId}`);
        return embedderOf(space, events);
      },
    });
    const name = (space: EmbeddingSpace) => onDemand.use(space, async (embedder) => embedder.space.modelId);
    return { onDemand, events, name, pass: (milliseconds: number) => void (time += milliseconds) };
  }
  const embedderOf = (space: EmbeddingSpace, events: string[]): Embedder => {
    const backend = new FakeBackend({ space });
    const close = backend.close.bind(backend);
    backend.close = async () => {
      events.push(`close ${space.modelId}`);
      await close();
    };
    return new Embedder({ backend, tokenizer: inlineBatchTokenizer(), probes: [] });
  };

  it('is made by closing the one that was used longest ago, before the new one is opened', async () => {
    const { onDemand, events, name } = bounded({ memoryBytes: 20 });
    await name(A);
    await name(B);
    await name(A);
    await name(C);
    expect(events).toEqual(['open fake/a', 'open fake/b', 'close fake/b', 'open fake/c']);
    await onDemand.close();
  });

  it('is kept to where many are asked for at once', async () => {
    const { onDemand, events, name } = bounded({ memoryBytes: 10 });
    const found = await Promise.allSettled([name(A), name(B), name(C)]);
    expect(found.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    let open = 0;
    for (const event of events) {
      open += event.startsWith('open') ? 1 : -1;
      expect(open).toBeLessThanOrEqual(1);
    }
    for (const each of found)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'MODEL_MEMORY', kind: 'retryable' });
    await onDemand.close();
  });

  it('is refused while the others are in use or held, and there once they are not', async () => {
    const { onDemand, name } = bounded({ memoryBytes: 20 });
    await onDemand.hold(A);
    let finish = (): void => undefined;
    const held = onDemand.use(B, () => new Promise<void>((resolve) => (finish = resolve)));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(name(C)).rejects.toMatchObject({ code: 'MODEL_MEMORY', fields: { inUse: ['fake/a', 'fake/b'] } });
    finish();
    await held;
    expect(await name(C)).toBe('fake/c');
    expect(onDemand.all.map(({ space }) => space.modelId)).toEqual(['fake/a', 'fake/c']);
    await onDemand.close();
  });

  it('is never there for a model that is larger', async () => {
    const { onDemand, name } = bounded({ memoryBytes: 20, sizes: { 'fake/a': 21 } });
    await expect(name(A)).rejects.toMatchObject({ code: 'MODEL_TOO_LARGE', kind: 'refused' });
    await onDemand.close();
  });

  it('is given back by models that nobody used for long, but for those that are held or used', async () => {
    const { onDemand, events, name, pass } = bounded({ idleMilliseconds: 100 });
    await onDemand.hold(A);
    await name(B);
    pass(99);
    onDemand.closeIdle();
    expect(events).toEqual(['open fake/a', 'open fake/b']);
    let finish = (): void => undefined;
    const held = onDemand.use(C, () => new Promise<void>((resolve) => (finish = resolve)));
    pass(200);
    onDemand.closeIdle();
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual(['open fake/a', 'open fake/b', 'open fake/c', 'close fake/b']);
    finish();
    await held;
    onDemand.closeIdle();
    expect(onDemand.all).toHaveLength(2);
    expect(await name(B)).toBe('fake/b');
    await onDemand.close();
  });

  it('goes to another embedder of a model, and the first is closed when its users are done', async () => {
    const { onDemand, events } = bounded({});
    let finish = (): void => undefined;
    const held = onDemand.use(A, async (embedder) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return (await embedder.encodeText('a')).space;
    });
    await new Promise((resolve) => setImmediate(resolve));
    const next = embedderOf(A, []);
    expect(onDemand.replace(A.fingerprint, next)).toBe(true);
    expect(await onDemand.use(A, async (embedder) => embedder === next)).toBe(true);
    expect(events).toEqual(['open fake/a']);
    finish();
    expect(await held).toBe(A.fingerprint);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(events).toEqual(['open fake/a', 'close fake/a']);
    const stray = embedderOf(B, events);
    expect(onDemand.replace(B.fingerprint, stray)).toBe(false);
    await Promise.all([onDemand.close(), stray.close()]);
  });
});
