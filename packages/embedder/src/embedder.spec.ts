import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchSize, ClosedError, normalize, UnknownRoleError, UnsupportedHeadError, type BackendOutput, type HeadRequest, type TokenBatch } from '@kimera/core';
import type { Probe } from '@kimera/model-folder';
import { exact, FakeBackend, fakeSpace, FakeTokenizer, inlineBatchTokenizer, rejection, textEmbedderConformance } from '@kimera/testing';
import fc from 'fast-check';
import { Embedder, QueueFullError } from './index.js';
import { LaneQueue } from './lane-queue.js';
import { Statistics } from './statistics.js';

const runner = { describe, it, beforeAll, afterAll, expect };
const space = fakeSpace('counts', { dimension: 4, maxTokens: 12, normalize: false, prompts: { query: 'q:', document: 'd:' } });

interface Parts {
  readonly batchTokens?: number;
  readonly queueTokens?: number;
}
/** An embedder on the fake backend; `open` lets its batches run, which wait where `gated`. */
function embedder(parts: Parts = {}, gate: Promise<void> = Promise.resolve()): { readonly embed: Embedder; readonly backend: FakeBackend } {
  const backend = new FakeBackend({
    space,
    before: async ({ ids }) => {
      await gate;
      if (ids.includes('!'.charCodeAt(0) + 1)) throw new Error('poison');
    },
  });
  return { backend, embed: new Embedder({ backend, tokenizer: inlineBatchTokenizer(), probes: [], ...parts }) };
}
function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Number k: how many of [start, …units + 1] are k modulo 4. */
function counts(text: string): number[] {
  const dense = [1, 0, 0, 0];
  for (let i = 0; i < text.length; i++) dense[(text.charCodeAt(i) + 1) % 4] = (dense[(text.charCodeAt(i) + 1) % 4] ?? 0) + 1;
  return dense;
}
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 11 });

const openOn = (batchTokens: number, fields: Parameters<typeof fakeSpace>[1]) => async () => {
  const embed = new Embedder({ backend: new FakeBackend({ space: fakeSpace('any', fields) }), tokenizer: inlineBatchTokenizer(), probes: [], batchTokens });
  return { embedder: embed, close: () => embed.close() };
};
textEmbedderConformance(runner, { name: 'an embedder with large batches', open: openOn(4_096, {}), tolerance: exact });
textEmbedderConformance(runner, { name: 'an embedder with batches of one, prompts and no normalisation', open: openOn(1, { normalize: false, prompts: { query: 'query: ', document: 'passage: ' } }), tolerance: exact });

textEmbedderConformance(runner, { name: 'an embedder with a default role', open: openOn(64, { prompts: { query: 'query: ', document: 'passage: ' }, defaultRole: 'document' }), tolerance: exact });
textEmbedderConformance(runner, { name: 'an embedder of three heads', open: openOn(64, { heads: ['dense', 'sparse', 'colbert'] }), tolerance: exact });

describe('heads', () => {
  const allHeads = fakeSpace('heads', { dimension: 4, heads: ['dense', 'sparse', 'colbert'] });
  const asked: (readonly [string, number])[] = [];
  class Logged extends FakeBackend {
    override run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
      asked.push([[...request.heads].sort().join(), batchSize(batch)]);
      return super.run(batch, request);
    }
  }

  it('are computed for the calls that ask for them, in one run for calls that ask for the same', async () => {
    const { closed, open } = gate();
    const embed = new Embedder({ backend: new Logged({ space: allHeads, before: () => closed }), tokenizer: inlineBatchTokenizer(), probes: [], batchTokens: 64 });
    // Both places are taken: what comes now waits together.
    const blockers = embed.encodeBatch(Array.from({ length: 2 }, () => 'x'.repeat(60)));
    await turn();
    const waiting = Promise.all([
      embed.encodeBatch(['ab', 'cc']), embed.encodeBatch(['ab', 'aa'], { heads: ['dense', 'sparse'] }), embed.encodeBatch(['dd'], { heads: ['sparse', 'dense'] }), embed.encodeBatch(['ab'], { heads: ['colbert'] }),
    ]);
    await turn();
    open();
    const [plain, hybrid, other, matrix] = await waiting;
    await blockers;
    expect(plain.map((embedding) => [embedding.sparse, embedding.colbert])).toEqual([[undefined, undefined], [undefined, undefined]]);
    expect(hybrid.map(({ sparse }) => [...(sparse ?? [])])).toEqual([[[98, 1], [99, 1]], [[98, 2]]]);
    expect(other[0]).toMatchObject({ dense: normalize(Float32Array.from(counts('dd'))), sparse: new Map([[101, 2]]) });
    expect(matrix[0]?.colbert?.map((row) => [...row])).toEqual([[0, 0, 1, 0], [0, 0, 0, 1]]);
    expect(asked.slice(2)).toEqual([['dense', 2], ['dense,sparse', 3], ['colbert', 1]]);
  });

  it('tells a backend whose model leaves prompts out how many tokens are the prompt’s', async () => {
    const excluding = fakeSpace('excluding', { promptPooling: 'excluded', prompts: { query: 'q:', document: '' } });
    const backend = new FakeBackend({ space: excluding });
    const embed = new Embedder({ backend, tokenizer: inlineBatchTokenizer(), probes: [] });
    await embed.encodeBatch(['ab', 'c'], { role: 'query' });
    await embed.encodeBatch(['ab'], { role: 'document' });
    expect(backend.batches.flatMap(({ promptTokens }) => [...(promptTokens ?? [])])).toEqual([3, 3, 0]);
  });
});

describe('Embedder', () => {
  it('gives every call its own vectors in order, whatever runs beside it, within the budget', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.array(word, { maxLength: 8 }), fc.constantFrom('interactive' as const, 'bulk' as const)), { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), async (calls, batchTokens) => {
        const { embed, backend } = embedder({ batchTokens });
        const answers = await Promise.all(calls.map(([texts, lane]) => embed.encodeBatch(texts, { lane })));
        answers.forEach((embeddings, i) => expect(embeddings.map(({ dense }) => [...(dense ?? [])])).toEqual(calls[i]?.[0].map(counts)));
        for (const batch of backend.batches) expect(batchSize(batch) === 1 || batch.ids.length <= batchTokens).toBe(true);
        expect(embed.getPerformanceStats()).toMatchObject({ texts: calls.flatMap(([texts]) => texts).length, queue: { interactive: 0, bulk: 0 }, errors: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it('puts the prompt of the role before the text, cuts at the limit and says so, stamps the space', async () => {
    const { embed } = embedder();
    expect(await embed.encodeText('ab', { role: 'query' })).toMatchObject({ dense: Float32Array.from(counts('q:ab')), tokens: 5, truncated: false, space: space.fingerprint, variant: 'fp32' });
    expect(await embed.encodeText('a'.repeat(30))).toMatchObject({ tokens: 12, totalTokens: 31, truncated: true });
    expect(embed.getPerformanceStats().truncated).toBe(1);
    await expect(embed.encodeText('a', { role: 'passage' as 'query' })).rejects.toBeInstanceOf(UnknownRoleError);
    await expect(embed.encodeText('a', { heads: ['sparse'] })).rejects.toBeInstanceOf(UnsupportedHeadError);
  });

  it('fails a poisoned call alone: its neighbours in the batch are answered', async () => {
    const { embed } = embedder();
    const [bad, good, worse] = await Promise.allSettled([embed.encodeBatch(['!', 'a']), embed.encodeBatch(['b', 'c']), embed.encodeBatch(['d', '!'])]);
    expect([bad.status, good.status, worse.status]).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(embed.getPerformanceStats().errors).toBe(2);
    expect((await embed.encodeText('a')).tokens).toBe(2);
  });

  it('runs interactive texts before bulk ones, and bulk ones all the same', async () => {
    const { closed, open } = gate();
    const { embed, backend } = embedder({ batchTokens: 1 }, closed);
    const blockers = embed.encodeBatch(['x', 'x']);
    await turn();
    const bulk = embed.encodeBatch(Array.from({ length: 10 }, () => 'b'), { lane: 'bulk' });
    const interactive = embed.encodeBatch(Array.from({ length: 20 }, () => 'i'));
    await turn();
    open();
    await Promise.all([blockers, bulk, interactive]);
    const order = backend.batches.slice(2).map((batch) => String.fromCharCode((batch.ids[1] ?? 0) - 1)).join('');
    // Two interactive batches went before: bulk gets every fifth batch from there on, and all of them once no interactive text waits.
    expect(order).toBe(`iib${'iiiib'.repeat(4)}ii${'b'.repeat(5)}`);
  });

  it('runs bulk texts in small batches, since an interactive one has to wait for those under way', async () => {
    const { embed, backend } = embedder({ batchTokens: 4_096 });
    const texts = Array.from({ length: 400 }, () => 'abcdefghijk');
    await embed.encodeBatch(texts, { lane: 'bulk' });
    expect(backend.batches.every(({ ids }) => ids.length <= 1_024)).toBe(true);
    const before = backend.batches.length;
    await embed.encodeBatch(texts.slice(0, 300));
    expect(backend.batches.length).toBe(before + 1);
  });

  it('refuses work beyond the queue of its lane, and frees it when a caller gives up', async () => {
    const { closed, open } = gate();
    const { embed } = embedder({ batchTokens: 5, queueTokens: 25 }, closed);
    const running = embed.encodeBatch(['aaaa', 'aaaa']);
    await turn();
    const controller = new AbortController();
    const waiting = rejection(() => embed.encodeBatch(Array.from({ length: 5 }, () => 'aaaa'), { lane: 'bulk', signal: controller.signal }));
    await turn();
    expect(embed.getPerformanceStats().queue).toEqual({ interactive: 0, bulk: 25 });
    const refused = await rejection(() => embed.encodeText('a', { lane: 'bulk' }));
    expect(refused).toBeInstanceOf(QueueFullError);
    expect(refused).toMatchObject({ code: 'QUEUE_FULL', limit: 25, waiting: 25 });
    const other = embed.encodeText('b');
    controller.abort(new Error('gone'));
    expect(await waiting).toMatchObject({ message: 'gone' });
    expect(embed.getPerformanceStats().queue.bulk).toBe(0);
    open();
    expect((await other).tokens).toBe(2);
    expect((await running).length).toBe(2);
  });

  it('keeps nothing of a finished call on a signal that lives on', async () => {
    const { embed } = embedder();
    const { signal } = new AbortController();
    await embed.encodeBatch(['a', 'b'], { signal });
    await rejection(() => embed.encodeText('!', { signal }));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('rejects what waits when it is closed, and refuses calls from then on', async () => {
    const { closed, open } = gate();
    const { embed } = embedder({ batchTokens: 1 }, closed);
    const running = embed.encodeBatch(['a', 'b']);
    await turn();
    const waiting = rejection(() => embed.encodeBatch(['c', 'd']));
    await turn();
    await embed.close();
    expect(await waiting).toBeInstanceOf(ClosedError);
    open();
    expect((await running).length).toBe(2);
    await expect(embed.encodeText('a')).rejects.toBeInstanceOf(ClosedError);
    await embed.close();
  });

  it('embeds a hundred thousand texts of one call', async () => {
    const { embed } = embedder({ batchTokens: 60 });
    const texts = Array.from({ length: 100_000 }, (_, i) => 'abc'.slice(0, 1 + (i % 3)));
    const embeddings = await embed.encodeBatch(texts, { lane: 'bulk' });
    expect(embeddings.filter(({ tokens }, i) => tokens !== 2 + (i % 3))).toEqual([]);
  });
});

textEmbedderConformance(runner, {
  name: 'an embedder with a cache',
  open: async () => {
    const embed = new Embedder({ backend: new FakeBackend({ space: fakeSpace('cached', { heads: ['dense', 'sparse', 'colbert'] }) }), tokenizer: inlineBatchTokenizer(), probes: [], cacheBytes: 1 << 20 });
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
      override readonly variant = { name: 'fp32', fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } } as const;
      override async run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
        return { variant, ...(await super.run(batch, request)) };
      }
    }
    const embed = new Embedder({ backend: new Changing(), tokenizer: inlineBatchTokenizer(), probes: [], cacheBytes: 1 << 20 });
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

describe('testModel', () => {
  const heads = fakeSpace('tested', { dimension: 4, heads: ['dense', 'sparse', 'colbert'], prompts: { query: 'q:', document: 'd:' }, defaultRole: 'query' });
  /** What is known of a text: from an embedder of its own, whose space has no default role, so that a text without a role has no prompt. */
  const known = async (text: string, role: 'query' | 'document' | null): Promise<Probe> => {
    const reference = new Embedder({ backend: new FakeBackend({ space: { ...heads, defaultRole: undefined } }), tokenizer: inlineBatchTokenizer(), probes: [] });
    const { dense = new Float32Array(), sparse = new Map(), colbert = [] } = await reference.encodeText(text, { heads: heads.heads, ...(role === null ? {} : { role }) });
    const ids = new FakeTokenizer().encode((role === null ? '' : heads.prompts[role]) + text, { maxTokens: 64 }).ids;
    return { text, role, ids, dense, promptTokens: 0, sparse, colbert: Float32Array.from(colbert.flatMap((row) => [...row])) };
  };
  const test = async (probes: readonly Probe[]) => {
    const embed = new Embedder({ backend: new FakeBackend({ space: heads }), tokenizer: inlineBatchTokenizer(), probes });
    const result = await embed.testModel();
    await embed.close();
    return result;
  };

  it('runs every probe with its own prompt, none for a probe without a role, and says what was tested', async () => {
    const probes = [await known('abc', null), await known('abc', 'query'), await known('xyz', 'document')];
    expect(await test(probes)).toMatchObject({
      holds: true, modelId: heads.modelId, space: heads.fingerprint, dimension: 4, maxTokens: 64, heads: ['dense', 'sparse', 'colbert'], backend: 'fake', variant: 'fp32',
      probes: probes.map(({ text }) => ({ text, tokensEqual: true, holds: true, heads: { dense: expect.closeTo(1, 9), sparse: expect.closeTo(1, 9), colbert: expect.closeTo(1, 9) } })),
    });
  });

  it('says what a model is not that it is taken for', async () => {
    const embed = new Embedder({ backend: new FakeBackend({ space: heads }), tokenizer: inlineBatchTokenizer(), probes: [] });
    const right = await embed.testModel({ dimension: 4, maxTokens: 64, heads: ['dense', 'colbert'] });
    expect([right.holds, right.expectations.length]).toEqual([true, 3]);
    const plain = new Embedder({ backend: new FakeBackend({ space: fakeSpace('plain') }), tokenizer: inlineBatchTokenizer(), probes: [] });
    expect(await plain.testModel({ dimension: 1_024, maxTokens: 8_192, heads: ['dense', 'sparse', 'colbert'] })).toMatchObject({
      holds: false,
      expectations: [
        { what: 'dimension', expected: '1024', actual: '8', holds: false }, { what: 'maxTokens', expected: '8192', actual: '64', holds: false },
        { what: 'heads', expected: 'dense, sparse, colbert', actual: 'dense', holds: false },
      ],
    });
  });

  it('sees one wrong number of any head, and one wrong token', async () => {
    const probe = await known('abcab', 'query');
    const turned = Float32Array.from(probe.dense, (value, i) => (i === 0 ? value + 1 : value));
    const others: readonly Probe[] = [
      { ...probe, dense: turned }, { ...probe, sparse: new Map([...(probe.sparse ?? [])].map(([id, weight], i) => [id, i === 0 ? weight * 3 : weight])) },
      { ...probe, colbert: (probe.colbert ?? new Float32Array()).map((value, i) => (i === 0 ? value + 1 : value)) }, { ...probe, ids: probe.ids.map((id, i) => (i === 3 ? id + 1 : id)) },
      { ...probe, dense: probe.dense.slice(1) },
    ];
    for (const other of others) expect((await test([other])).holds).toBe(false);
  });
});

it('stamps an embedding with the variant that computed it', async () => {
  class Changing extends FakeBackend {
    override async run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
      return { variant: 'int8', ...(await super.run(batch, request)) };
    }
  }
  const embed = new Embedder({ backend: new Changing(), tokenizer: inlineBatchTokenizer(), probes: [] });
  expect((await embed.encodeText('a')).variant).toBe('int8');
});

describe('a lane', () => {
  const lane = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 3_000 });
  it('gives every text once, of rising length within a batch and within the budget, the oldest in the next batch', () => {
    fc.assert(
      fc.property(lane, fc.integer({ min: 1, max: 200 }), (lengths, budget) => {
        const queue = new LaneQueue<{ readonly ids: Int32Array; readonly job: { readonly done: boolean }; readonly at: number }>();
        lengths.forEach((length, at) => queue.push({ ids: new Int32Array(length), job: { done: false }, at }));
        const left = new Set(lengths.keys());
        while (!queue.isEmpty) {
          const batch = queue.take(budget);
          const sizes = batch.map(({ ids }) => ids.length);
          expect(batch.some(({ at }) => at === Math.min(...left))).toBe(true);
          expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
          expect(batch.length === 1 || sizes.reduce((sum, size) => sum + size, 0) <= budget).toBe(true);
          for (const { at } of batch) expect(left.delete(at)).toBe(true);
        }
        expect(left.size).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  it('passes over the texts of callers who gave up', () => {
    const queue = new LaneQueue<{ readonly ids: Int32Array; readonly job: { done: boolean } }>();
    const [stays, goes] = [{ done: false }, { done: false }];
    for (let i = 0; i < 5_000; i++) queue.push({ ids: new Int32Array(1), job: i % 2 === 0 ? goes : stays });
    expect(queue.take(1).length).toBe(1);
    goes.done = true;
    expect(queue.take(5_000).every(({ job }) => job === stays)).toBe(true);
    expect(queue.drain().every(({ job }) => job === stays)).toBe(true);
    expect(queue.isEmpty).toBe(true);
  });
});

it('counts time in which two batches ran once', () => {
  const statistics = new Statistics();
  statistics.batch({ texts: 2, tokens: 100, started: 0, ended: 1_000 });
  statistics.batch({ texts: 2, tokens: 100, started: 500, ended: 1_500 });
  statistics.batch({ texts: 2, tokens: 100, started: 2_000, ended: 2_500 });
  expect(statistics.perSecond(statistics.tokens)).toBe(150);
});
