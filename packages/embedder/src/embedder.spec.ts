import { describe, expect, it } from '@jest/globals';
import { ClosedError, tokenBatch, textIds, batchSize, UnknownRoleError, UnsupportedHeadError, type BatchTokenizer, type EmbeddingSpace, type InferenceBackend, type TokenBatch } from '@kimera/core';
import fc from 'fast-check';
import { Embedder, QueueFullError } from './index.js';

const space: EmbeddingSpace = {
  fingerprint: 'f'.repeat(64), modelId: 'fake/sum', heads: ['dense'], weights: '', tokenizer: '', maxTokens: 12, pooling: ['mean'], normalize: false,
  prompts: { query: 'q:', document: 'd:' }, dimension: 2,
};

/** One token a character: its code. */
const tokenizer: BatchTokenizer = {
  encodeBatch: (texts, { maxTokens }) => {
    const all = texts.map((text) => Array.from(text, (character) => character.charCodeAt(0)));
    return Promise.resolve({ batch: tokenBatch(all.map((ids) => ids.slice(0, maxTokens))), totalTokens: Int32Array.from(all, (ids) => ids.length), truncated: all.map((ids) => ids.length > maxTokens) });
  },
  close: () => Promise.resolve(),
};

const POISON = '!'.charCodeAt(0);

/** [sum of ids, number of ids]; fails on poison; remembers its batches. */
class SumBackend implements InferenceBackend {
  readonly name = 'sum';
  readonly space = space;
  readonly variant = { name: 'fp32', fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } } as const;
  readonly batches: TokenBatch[] = [];
  gate: Promise<void> = Promise.resolve();
  async run(batch: TokenBatch) {
    this.batches.push(batch);
    await this.gate;
    if (batch.ids.includes(POISON)) throw new Error('poison');
    return { dense: Float32Array.from(Array.from({ length: batchSize(batch) }, (_, i) => [textIds(batch, i).reduce((sum, id) => sum + id, 0), textIds(batch, i).length]).flat()) };
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function embedder(options: { readonly batchTokens?: number; readonly queueTokens?: number } = {}): { readonly embed: Embedder; readonly backend: SumBackend } {
  const backend = new SumBackend();
  return { backend, embed: new Embedder({ backend, tokenizer, probes: [], ...options }) };
}
const sum = (text: string): number[] => [Array.from(text).reduce((total, character) => total + character.charCodeAt(0), 0), text.length];
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 12 });

describe('Embedder', () => {
  it('gives every call its own vectors in order, whatever runs beside it, within the budget', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.array(word, { maxLength: 8 }), fc.constantFrom('interactive' as const, 'bulk' as const)), { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), async (calls, batchTokens) => {
        const { embed, backend } = embedder({ batchTokens });
        const answers = await Promise.all(calls.map(([texts, lane]) => embed.encodeBatch(texts, { lane })));
        answers.forEach((embeddings, i) => expect(embeddings.map(({ dense }) => [...(dense ?? [])])).toEqual(calls[i]?.[0].map(sum)));
        for (const batch of backend.batches) expect(batchSize(batch) === 1 || batch.ids.length <= batchTokens).toBe(true);
        expect(embed.getPerformanceStats()).toMatchObject({ texts: calls.flatMap(([texts]) => texts).length, queue: { interactive: 0, bulk: 0 }, errors: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it('puts the prompt of the role before the text, cuts at the limit and says so, stamps the space', async () => {
    const { embed } = embedder();
    expect(await embed.encodeText('ab', { role: 'query' })).toMatchObject({ dense: Float32Array.from(sum('q:ab')), tokens: 4, truncated: false, space: space.fingerprint, variant: 'fp32' });
    expect(await embed.encodeText('a'.repeat(30))).toMatchObject({ tokens: 12, totalTokens: 30, truncated: true });
    expect(embed.getPerformanceStats().truncated).toBe(1);
    await expect(embed.encodeText('a', { role: 'passage' as 'query' })).rejects.toBeInstanceOf(UnknownRoleError);
    await expect(embed.encodeText('a', { heads: ['sparse'] })).rejects.toBeInstanceOf(UnsupportedHeadError);
    expect(await embed.encodeBatch([])).toEqual([]);
  });

  it("fails a poisoned call alone: its neighbours in the batch are answered", async () => {
    const { embed } = embedder();
    const [bad, good] = await Promise.allSettled([embed.encodeBatch(['!', 'a']), embed.encodeBatch(['b', 'c'])]);
    expect(bad.status).toBe('rejected');
    expect(good.status).toBe('fulfilled');
    expect(embed.getPerformanceStats().errors).toBe(1);
  });

  it('runs interactive texts before bulk ones, and bulk ones all the same', async () => {
    const { embed, backend } = embedder({ batchTokens: 1 });
    let open = (): void => undefined;
    backend.gate = new Promise((resolve) => (open = resolve));
    const blockers = embed.encodeBatch(['x', 'x']);
    await new Promise((resolve) => setImmediate(resolve));
    const bulk = embed.encodeBatch(Array.from({ length: 10 }, () => 'b'), { lane: 'bulk' });
    const interactive = embed.encodeBatch(Array.from({ length: 20 }, () => 'i'));
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await Promise.all([blockers, bulk, interactive]);
    const order = backend.batches.slice(2).map((batch) => String.fromCharCode(batch.ids[0] ?? 0)).join('');
    // Two interactive batches went before: bulk gets every fifth batch from there on, and all of them once no interactive text waits.
    expect(order).toBe(`iib${'iiiib'.repeat(4)}ii${'b'.repeat(5)}`);
  });

  it('refuses work beyond the queue, and frees it when a caller gives up', async () => {
    const { embed, backend } = embedder({ batchTokens: 4, queueTokens: 20 });
    let open = (): void => undefined;
    backend.gate = new Promise((resolve) => (open = resolve));
    const running = embed.encodeBatch(['aaaa', 'aaaa']);
    await new Promise((resolve) => setImmediate(resolve));
    const controller = new AbortController();
    const waiting = embed.encodeBatch(Array.from({ length: 5 }, () => 'aaaa'), { signal: controller.signal }).catch((reason: unknown) => reason);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(embed.encodeText('a')).rejects.toMatchObject({ code: 'QUEUE_FULL', limit: 20, waiting: 20 });
    await expect(embed.encodeText('a')).rejects.toBeInstanceOf(QueueFullError);
    controller.abort(new Error('gone'));
    await expect(waiting).resolves.toMatchObject({ message: 'gone' });
    expect(embed.getPerformanceStats().queue.interactive).toBe(0);
    const late = embed.encodeText('b').catch((reason: unknown) => reason);
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await running;
    await late;
    await embed.close();
    await expect(embed.encodeText('a')).rejects.toBeInstanceOf(ClosedError);
  });
});
