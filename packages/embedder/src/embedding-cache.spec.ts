import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchSize, type BackendOutput, type HeadRequest, type TokenBatch } from '@kimera/core';
import { exact, FakeBackend, fakeSpace, inlineBatchTokenizer, textEmbedderConformance } from '@kimera/testing';
import { Embedder } from './index.js';

const runner = { describe, it, beforeAll, afterAll, expect };

textEmbedderConformance(runner, {
  name: 'an embedder with a cache',
  open: async () => {
    const embed = new Embedder({
      backend: new FakeBackend({ space: fakeSpace('cached', { heads: ['dense', 'sparse', 'colbert'] }) }),
      tokenizer: inlineBatchTokenizer(),
      probes: [],
      cacheBytes: 1 << 20,
    });
    return { embedder: embed, close: () => embed.close() };
  },
  tolerance: exact,
});

describe('the cache', () => {
  const cached = (cacheBytes: number, fields: Parameters<typeof fakeSpace>[1] = {}) => {
    const backend = new FakeBackend({ space: fakeSpace('cached', fields) });
    return { backend, embed: new Embedder({ backend, tokenizer: inlineBatchTokenizer(), probes: [], cacheBytes }) };
  };
  const texts = ({ batches }: FakeBackend): number => batches.reduce((sum, batch) => sum + batchSize(batch), 0);

  it('answers what it has, in order, and computes the rest', async () => {
    const { backend, embed } = cached(1 << 20);
    const [a, b] = await embed.encodeBatch(['a', 'b']);
    const again = await embed.encodeBatch(['c', 'b', 'a', 'b']);
    expect(texts(backend)).toBe(3);
    expect([again[1], again[2], again[3]]).toEqual([b, a, b]);
    expect(embed.getPerformanceStats().cache).toMatchObject({ hits: 3, misses: 3 });
  });

  it('keeps heads and prompts apart', async () => {
    const { backend, embed } = cached(1 << 20, { heads: ['dense', 'sparse'], prompts: { query: 'q', document: '' } });
    await embed.encodeText('a');
    await embed.encodeText('a', { heads: ['sparse'] });
    await embed.encodeText('a', { role: 'query' });
    expect(texts(backend)).toBe(3);
    expect((await embed.encodeText('a', { heads: ['sparse'] })).dense).toBeUndefined();
    expect(texts(backend)).toBe(3);
  });

  it('is not changed by what callers do with their vectors', async () => {
    const { embed } = cached(1 << 20);
    const { dense: first } = await embed.encodeText('a');
    const expected = [...(first ?? [])];
    first?.fill(7);
    const { dense: second } = await embed.encodeText('a');
    expect([...(second ?? [])]).toEqual(expected);
    second?.fill(8);
    expect([...((await embed.encodeText('a')).dense ?? [])]).toEqual(expected);
  });

  it('does not keep what a lossy variant gave while it stood in', async () => {
    let variant: 'fp32' | 'int8' = 'int8';
    class Changing extends FakeBackend {
      override readonly variant = {
        name: 'fp32',
        fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 },
      } as const;
      override async run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
        return { variant, ...(await super.run(batch, request)) };
      }
    }
    const embed = new Embedder({
      backend: new Changing(),
      tokenizer: inlineBatchTokenizer(),
      probes: [],
      cacheBytes: 1 << 20,
    });
    expect((await embed.encodeText('a')).variant).toBe('int8');
    variant = 'fp32';
    expect((await embed.encodeText('a')).variant).toBe('fp32');
    await embed.encodeText('a');
    expect(embed.getPerformanceStats().cache).toMatchObject({ hits: 1, misses: 2 });
  });

  it('is no part of the speed', async () => {
    const { embed } = cached(1 << 20);
    for (let i = 0; i < 50; i++) await embed.encodeText('a');
    const { texts: answered, textsPerSecond, tokensPerSecond } = embed.getPerformanceStats();
    // One text of two tokens was computed.
    expect(answered).toBe(50);
    expect(textsPerSecond).toBeCloseTo(tokensPerSecond / 2, 6);
  });

  it('stays within its memory, and forgets the text that was asked for longest ago', async () => {
    const { backend, embed } = cached(2_000);
    for (let i = 0; i < 100; i++) await embed.encodeText(`text ${i}`);
    const { bytes } = embed.getPerformanceStats().cache;
    expect(bytes).toBeGreaterThan(500);
    expect(bytes).toBeLessThanOrEqual(2_000);
    await embed.encodeText('text 99');
    expect(texts(backend)).toBe(100);
    await embed.encodeText('text 0');
    expect(texts(backend)).toBe(101);
  });

  it('is read by bulk work and not filled by it; without memory it is not there', async () => {
    const { backend, embed } = cached(1 << 20);
    await embed.encodeText('a', { lane: 'bulk' });
    await embed.encodeText('a');
    await embed.encodeText('a', { lane: 'bulk' });
    expect(texts(backend)).toBe(2);
    const none = cached(0);
    for (let i = 0; i < 3; i++) await none.embed.encodeText('a');
    expect(texts(none.backend)).toBe(3);
    expect(none.embed.getPerformanceStats().cache).toEqual({ hits: 0, misses: 0, bytes: 0 });
  });
});
