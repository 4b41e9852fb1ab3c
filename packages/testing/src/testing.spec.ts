import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchSize, spaceFingerprint, textIds, tokenBatch } from '@kimera/core';
import {
  checkClose,
  exact,
  FakeBackend,
  FakeEmbedder,
  fakeSpace,
  FakeTokenizer,
  float32,
  fp16Weights,
  inferenceBackendConformance,
  rejection,
  textEmbedderConformance,
  tokenizerConformance,
  ToleranceError,
} from './index.js';

const runner = { describe, it, beforeAll, afterAll, expect };
const tokenizer = new FakeTokenizer();
const ids = (text: string): Int32Array => tokenizer.encode(text, { maxTokens: 64 }).ids;
const everything = fakeSpace('everything', {
  heads: ['dense', 'sparse', 'colbert'],
  normalize: false,
  prompts: { query: 'q: ', document: 'd: ' },
});

tokenizerConformance(runner, { name: 'the fake', open: async () => new FakeTokenizer() });
for (const space of [fakeSpace('fake'), everything]) {
  inferenceBackendConformance(runner, {
    name: `${space.modelId} (fake backend)`,
    open: async () => new FakeBackend({ space }),
    texts: ['a', 'bc', 'hello'].map(ids),
    vocabularySize: tokenizer.vocabularySize,
    tolerance: exact,
  });
  textEmbedderConformance(runner, {
    name: `${space.modelId} (fake embedder)`,
    open: async () => ({ embedder: new FakeEmbedder({ space }), close: () => Promise.resolve() }),
    tolerance: exact,
  });
}

/** Runs a suite without a runner: which of its tests fail. */
async function failures(
  suite: (functions: Parameters<typeof inferenceBackendConformance>[0]) => void,
): Promise<readonly string[]> {
  const tests: (readonly [string, () => Promise<void>])[] = [];
  const before: (() => Promise<void>)[] = [];
  suite({
    expect,
    describe: (_name, body) => body(),
    it: (name, body) => tests.push([name, body]),
    beforeAll: (body) => before.push(body),
    afterAll: () => undefined,
  });
  for (const body of before) await body();
  const failed: string[] = [];
  for (const [name, body] of tests) if ((await rejection(body)) !== undefined) failed.push(name);
  return failed;
}

describe('the suites notice', () => {
  const texts = ['a', 'bc', 'hello'].map(ids);
  const backendFailures = (backend: () => FakeBackend) =>
    failures((functions) =>
      inferenceBackendConformance(functions, {
        name: 'x',
        open: async () => backend(),
        texts,
        vocabularySize: tokenizer.vocabularySize,
        tolerance: exact,
      }),
    );
  class Changed extends FakeBackend {
    constructor(private readonly change: (dense: Float32Array, texts: number) => Float32Array) {
      super({ space: fakeSpace('fake') });
    }
    override async run(...[batch, request]: Parameters<FakeBackend['run']>) {
      const output = await super.run(batch, request);
      return output.dense === undefined ? output : { ...output, dense: this.change(output.dense, batchSize(batch)) };
    }
  }

  it('nothing about a right backend', async () => {
    expect(await backendFailures(() => new Changed((dense) => dense))).toEqual([]);
  });
  it.each([
    [
      'vectors that depend on the neighbours',
      (dense: Float32Array, count: number) => (count > 1 ? dense.map((value) => value * 0.99 + 0.01) : dense),
      'same vector alone and in a batch',
    ],
    [
      'another order',
      (dense: Float32Array, count: number) => (count > 1 ? dense.toReversed() : dense),
      'same vector alone and in a batch',
    ],
    [
      'one vector for all texts',
      (dense: Float32Array) => dense.map((_, i) => (i % 8 === 0 ? 1 : 0)),
      'same vector alone and in a batch',
    ],
    ['a forgotten normalisation', (dense: Float32Array) => dense.map((value) => value * 2), 'of length 1'],
    ['NaN', (dense: Float32Array) => dense.map(() => NaN), 'finite vectors'],
    ['a wrong dimension', (dense: Float32Array) => dense.slice(1), 'same vector alone and in a batch'],
  ])('%s', async (_what, change, name) => {
    expect((await backendFailures(() => new Changed(change))).some((test) => test.includes(name))).toBe(true);
  });

  it('an embedder that cuts in silence, forgets the prompt, or stamps another space', async () => {
    const spoilt = (change: (embedder: FakeEmbedder) => Partial<FakeEmbedder>) =>
      failures((functions) =>
        textEmbedderConformance(functions, {
          name: 'x',
          tolerance: exact,
          open: async () => {
            const embedder = new FakeEmbedder({ space: everything });
            const changed = change(embedder);
            const encodeBatch: FakeEmbedder['encodeBatch'] =
              changed.encodeBatch ?? ((...call) => embedder.encodeBatch(...call));
            return {
              close: () => Promise.resolve(),
              embedder: {
                space: embedder.space,
                encodeBatch,
                encodeText: async (text, options) =>
                  (await encodeBatch([text], options))[0] ?? (await embedder.encodeText(text)),
              },
            };
          },
        }),
      );
    expect(await spoilt(() => ({}))).toEqual([]);
    expect(
      await spoilt((embedder) => ({
        encodeBatch: async (...call) =>
          (await embedder.encodeBatch(...call)).map((one) => ({ ...one, truncated: false })),
      })),
    ).toEqual(['cuts a text that is too long, and says so']);
    expect(
      await spoilt((embedder) => ({
        encodeBatch: (texts, options) =>
          embedder.encodeBatch(texts, {
            heads: options?.heads ?? ['dense'],
            ...(options?.signal === undefined ? {} : { signal: options.signal }),
          }),
      })),
    ).toEqual([
      'puts the prompt of the role query before the text',
      'puts the prompt of the role document before the text',
      'gives a text without a role the prompt of the default role of the space, or none',
      'refuses an unknown role',
    ]);
    expect(
      await spoilt((embedder) => ({
        encodeBatch: async (...call) =>
          (await embedder.encodeBatch(...call)).map((one) => ({ ...one, space: 'other' })),
      })),
    ).toEqual([
      'gives finite vectors of the dimension of the space, of length 1 where it is normalised, with its fingerprint',
    ]);
  });

  it('an embedder that forgets the default role of its space', async () => {
    const space = fakeSpace('defaults', { prompts: { query: 'q:', document: 'd:' }, defaultRole: 'document' });
    const forgetful = new FakeEmbedder({ space: { ...space, defaultRole: undefined } });
    const found = await failures((functions) =>
      textEmbedderConformance(functions, {
        name: 'x',
        tolerance: exact,
        open: async () => ({
          close: () => Promise.resolve(),
          embedder: {
            space,
            encodeBatch: (...call) => forgetful.encodeBatch(...call),
            encodeText: (...call) => forgetful.encodeText(...call),
          },
        }),
      }),
    );
    expect(found).toContain('gives a text without a role the prompt of the default role of the space, or none');
  });
});

describe('fakes', () => {
  it('have vectors to compute in the head', async () => {
    const space = fakeSpace('counts', { dimension: 4, normalize: false });
    // Start 0, a 98, b 99: modulo 4 they are 0, 2 and 3.
    expect([...((await new FakeEmbedder({ space }).encodeText('abb')).dense ?? [])]).toEqual([1, 0, 1, 2]);
    expect([...((await new FakeEmbedder({ space, shift: 1 }).encodeText('abb')).dense ?? [])]).toEqual([2, 1, 0, 1]);
    const { dense } = await new FakeBackend({ space }).run(tokenBatch([ids('abb'), ids('')]), { heads: ['dense'] });
    expect([...(dense ?? [])]).toEqual([1, 0, 1, 2, 1, 0, 0, 0]);
  });

  it('have the fingerprint of their identity, another one for another name or field', async () => {
    const space = fakeSpace('one', { prompts: { query: 'q', document: '' } });
    expect(space.fingerprint).toBe(await spaceFingerprint(space));
    expect(
      new Set(
        [space, fakeSpace('one'), fakeSpace('two'), fakeSpace('one', { dimension: 3 })].map(
          ({ fingerprint }) => fingerprint,
        ),
      ).size,
    ).toBe(4);
  });

  it('fail and wait where they are told to, and log their calls', async () => {
    const embedder = new FakeEmbedder({
      poison: (text) => (text === 'bad' ? new Error('poison') : undefined),
      before: async ({ texts }) => {
        if (texts.includes('down')) throw new Error('down');
      },
    });
    await embedder.encodeBatch(['a', 'b'], { role: 'query', lane: 'bulk' });
    expect(await rejection(() => embedder.encodeBatch(['a', 'bad']))).toMatchObject({ message: 'poison' });
    expect(await rejection(() => embedder.encodeText('down'))).toMatchObject({ message: 'down' });
    expect(embedder.calls).toEqual([
      { texts: ['a', 'b'], role: 'query', lane: 'bulk' },
      { texts: ['a', 'bad'], role: undefined, lane: 'interactive' },
      { texts: ['down'], role: undefined, lane: 'interactive' },
    ]);
    const backend = new FakeBackend({
      before: (batch) => (batchSize(batch) > 1 ? Promise.reject(new Error('too many')) : Promise.resolve()),
    });
    expect(await rejection(() => backend.run(tokenBatch([[1], [2]]), { heads: ['dense'] }))).toMatchObject({
      message: 'too many',
    });
    expect(backend.batches.map((batch) => [...textIds(batch, 0)])).toEqual([[1]]);
  });
});

describe('tolerances', () => {
  it('look at direction, numbers and length', () => {
    expect(() => checkClose([3, 4], [3, 4], exact)).not.toThrow();
    expect(() => checkClose([3, 4], [0.6, 0.8], fp16Weights)).toThrow(ToleranceError);
    expect(() => checkClose([1, 1e-5], [1, 0], float32)).toThrow(ToleranceError);
    expect(() => checkClose([1, 1e-7], [1, 0], exact)).toThrow(ToleranceError);
    expect(() => checkClose([1, 1e-7], [1, 0], float32)).not.toThrow();
  });
});
