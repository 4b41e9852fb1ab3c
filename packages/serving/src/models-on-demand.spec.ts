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
