import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  batchSize,
  ClosedError,
  normalize,
  UnknownRoleError,
  UnsupportedHeadError,
  type BackendOutput,
  type HeadRequest,
  type TokenBatch,
} from '@kimera/core';
import {
  exact,
  FakeBackend,
  fakeSpace,
  inlineBatchTokenizer,
  rejection,
  textEmbedderConformance,
} from '@kimera/testing';
import { TOKENIZER_REVISION } from '@kimera/tokenizers/pure';
import fc from 'fast-check';
import { Embedder, type QueueSeconds } from './index.js';

const runner = { describe, it, beforeAll, afterAll, expect };
const space = fakeSpace('counts', {
  dimension: 4,
  maxTokens: 12,
  normalize: false,
  prompts: { query: 'q:', document: 'd:' },
});

interface Parts {
  readonly batchTokens?: number;
  readonly maxQueueSeconds?: QueueSeconds;
}
/** An embedder on the fake backend; `open` lets its batches run, which wait where `gated`. */
function embedder(
  parts: Parts = {},
  gate: Promise<void> = Promise.resolve(),
): { readonly embed: Embedder; readonly backend: FakeBackend } {
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
  for (let i = 0; i < text.length; i++)
    dense[(text.charCodeAt(i) + 1) % 4] = (dense[(text.charCodeAt(i) + 1) % 4] ?? 0) + 1;
  return dense;
}
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 11 });

const openOn = (batchTokens: number, fields: Parameters<typeof fakeSpace>[1]) => async () => {
  const embed = new Embedder({
    backend: new FakeBackend({ space: fakeSpace('any', fields) }),
    tokenizer: inlineBatchTokenizer(),
    probes: [],
    batchTokens,
  });
  return { embedder: embed, close: () => embed.close() };
};
textEmbedderConformance(runner, { name: 'an embedder with large batches', open: openOn(4_096, {}), tolerance: exact });
textEmbedderConformance(runner, {
  name: 'an embedder with batches of one, prompts and no normalisation',
  open: openOn(1, { normalize: false, prompts: { query: 'query: ', document: 'passage: ' } }),
  tolerance: exact,
});

textEmbedderConformance(runner, {
  name: 'an embedder with a default role',
  open: openOn(64, { prompts: { query: 'query: ', document: 'passage: ' }, defaultRole: 'document' }),
  tolerance: exact,
});
textEmbedderConformance(runner, {
  name: 'an embedder of three heads',
  open: openOn(64, { heads: ['dense', 'sparse', 'colbert'] }),
  tolerance: exact,
});

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
    const embed = new Embedder({
      backend: new Logged({ space: allHeads, before: () => closed }),
      tokenizer: inlineBatchTokenizer(),
      probes: [],
      batchTokens: 64,
    });
    // Both places are taken: what comes now waits together.
    const blockers = embed.encodeBatch(Array.from({ length: 2 }, () => 'x'.repeat(60)));
    await turn();
    const waiting = Promise.all([
      embed.encodeBatch(['ab', 'cc']),
      embed.encodeBatch(['ab', 'aa'], { heads: ['dense', 'sparse'] }),
      embed.encodeBatch(['dd'], { heads: ['sparse', 'dense'] }),
      embed.encodeBatch(['ab'], { heads: ['colbert'] }),
    ]);
    await turn();
    open();
    const [plain, hybrid, other, matrix] = await waiting;
    await blockers;
    expect(plain.map((embedding) => [embedding.sparse, embedding.colbert])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(hybrid.map(({ sparse }) => [...(sparse ?? [])])).toEqual([
      [
        [98, 1],
        [99, 1],
      ],
      [[98, 2]],
    ]);
    expect(other[0]).toMatchObject({ dense: normalize(Float32Array.from(counts('dd'))), sparse: new Map([[101, 2]]) });
    expect(matrix[0]?.colbert?.map((row) => [...row])).toEqual([
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]);
    expect(asked.slice(2)).toEqual([
      ['dense', 2],
      ['dense,sparse', 3],
      ['colbert', 1],
    ]);
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
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(word, { maxLength: 8 }), fc.constantFrom('interactive' as const, 'bulk' as const)), {
          maxLength: 8,
        }),
        fc.integer({ min: 1, max: 40 }),
        async (calls, batchTokens) => {
          const { embed, backend } = embedder({ batchTokens });
          const answers = await Promise.all(calls.map(([texts, lane]) => embed.encodeBatch(texts, { lane })));
          answers.forEach((embeddings, i) =>
            expect(embeddings.map(({ dense }) => [...(dense ?? [])])).toEqual(calls[i]?.[0].map(counts)),
          );
          for (const batch of backend.batches)
            expect(batchSize(batch) === 1 || batch.ids.length <= batchTokens).toBe(true);
          expect(embed.getPerformanceStats()).toMatchObject({
            texts: calls.flatMap(([texts]) => texts).length,
            queue: { interactive: 0, bulk: 0 },
            errors: 0,
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('puts the prompt of the role before the text, cuts at the limit and says so, stamps the space', async () => {
    const { embed } = embedder();
    expect(await embed.encodeText('ab', { role: 'query' })).toMatchObject({
      dense: Float32Array.from(counts('q:ab')),
      tokens: 5,
      truncated: false,
      space: space.fingerprint,
      variant: 'fp32',
      tokenizerRevision: TOKENIZER_REVISION,
    });
    expect(await embed.encodeText('a'.repeat(30))).toMatchObject({ tokens: 12, totalTokens: 31, truncated: true });
    expect(embed.getPerformanceStats().truncated).toBe(1);
    await expect(embed.encodeText('a', { role: 'passage' as 'query' })).rejects.toBeInstanceOf(UnknownRoleError);
    await expect(embed.encodeText('a', { heads: ['sparse'] })).rejects.toBeInstanceOf(UnsupportedHeadError);
  });

  it('fails a poisoned call alone: its neighbours in the batch are answered', async () => {
    const { embed } = embedder();
    const [bad, good, worse] = await Promise.allSettled([
      embed.encodeBatch(['!', 'a']),
      embed.encodeBatch(['b', 'c']),
      embed.encodeBatch(['d', '!']),
    ]);
    expect([bad.status, good.status, worse.status]).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(embed.getPerformanceStats().errors).toBe(2);
    expect((await embed.encodeText('a')).tokens).toBe(2);
  });

  it('refuses work that would wait too long before it is tokenised, and drops that of a caller who gave up', async () => {
    const { closed, open } = gate();
    const { embed } = embedder({ batchTokens: 5, maxQueueSeconds: { interactive: 0.001, bulk: 0.001 } }, closed);
    const running = embed.encodeBatch(['aaaa', 'aaaa']);
    await turn();
    const controller = new AbortController();
    const waiting = rejection(() =>
      embed.encodeBatch(
        Array.from({ length: 20 }, () => 'aaaa'),
        { lane: 'bulk', client: 'a', signal: controller.signal },
      ),
    );
    await turn();
    expect(embed.getPerformanceStats()).toMatchObject({
      queue: { interactive: 0, bulk: 90 },
      queueSeconds: { interactive: expect.any(Number), bulk: 0.005 },
    });
    const refused = await rejection(() => embed.tokenize(['a'], undefined, { lane: 'bulk', client: 'a' }));
    expect(refused).toMatchObject({ code: 'QUEUE_FULL', limit: expect.any(Number), retryAt: expect.any(Number) });
    controller.abort(new Error('gone'));
    expect(await waiting).toMatchObject({ message: 'gone' });
    await expect(embed.encodeText('b', { signal: controller.signal })).rejects.toMatchObject({ message: 'gone' });
    expect(embed.getPerformanceStats()).toMatchObject({ queue: { bulk: 0 }, refused: 1, dropped: 2, errors: 0 });
    open();
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

it('stamps an embedding with the variant that computed it', async () => {
  class Changing extends FakeBackend {
    override async run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
      return { variant: 'int8', ...(await super.run(batch, request)) };
    }
  }
  const embed = new Embedder({ backend: new Changing(), tokenizer: inlineBatchTokenizer(), probes: [] });
  expect((await embed.encodeText('a')).variant).toBe('int8');
});
