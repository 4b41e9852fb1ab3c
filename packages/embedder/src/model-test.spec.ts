import { describe, expect, it } from '@jest/globals';
import type { Probe } from '@kimera/model-folder';
import { FakeBackend, fakeSpace, FakeTokenizer, inlineBatchTokenizer } from '@kimera/testing';
import { Embedder } from './index.js';

describe('testModel', () => {
  const heads = fakeSpace('tested', {
    dimension: 4,
    heads: ['dense', 'sparse', 'colbert'],
    prompts: { query: 'q:', document: 'd:' },
    defaultRole: 'query',
  });
  /**
   * What is known of a text: from an embedder of its own, whose space has no default role, so that a text without a
   * role has no prompt.
   */
  const known = async (text: string, role: 'query' | 'document' | null): Promise<Probe> => {
    const reference = new Embedder({
      backend: new FakeBackend({ space: { ...heads, defaultRole: undefined } }),
      tokenizer: inlineBatchTokenizer(),
      probes: [],
    });
    const {
      dense = new Float32Array(),
      sparse = new Map(),
      colbert = [],
    } = await reference.encodeText(text, { heads: heads.heads, ...(role === null ? {} : { role }) });
    const ids = new FakeTokenizer().encode((role === null ? '' : heads.prompts[role]) + text, { maxTokens: 64 }).ids;
    return {
      text,
      role,
      ids,
      dense,
      promptTokens: 0,
      sparse,
      colbert: Float32Array.from(colbert.flatMap((row) => [...row])),
    };
  };
  const test = async (probes: readonly Probe[]) => {
    const embed = new Embedder({
      backend: new FakeBackend({ space: heads }),
      tokenizer: inlineBatchTokenizer(),
      probes,
    });
    const result = await embed.testModel();
    await embed.close();
    return result;
  };

  it('runs every probe with its own prompt, none for a probe without a role, and says what was tested', async () => {
    const probes = [await known('abc', null), await known('abc', 'query'), await known('xyz', 'document')];
    expect(await test(probes)).toMatchObject({
      holds: true,
      modelId: heads.modelId,
      space: heads.fingerprint,
      dimension: 4,
      maxTokens: 64,
      heads: ['dense', 'sparse', 'colbert'],
      backend: 'fake',
      variant: 'fp32',
      probes: probes.map(({ text }) => ({
        text,
        tokensEqual: true,
        holds: true,
        heads: { dense: expect.closeTo(1, 9), sparse: expect.closeTo(1, 9), colbert: expect.closeTo(1, 9) },
      })),
    });
  });

  it('says what a model is not that it is taken for', async () => {
    const embed = new Embedder({
      backend: new FakeBackend({ space: heads }),
      tokenizer: inlineBatchTokenizer(),
      probes: [],
    });
    const right = await embed.testModel({ dimension: 4, maxTokens: 64, heads: ['dense', 'colbert'] });
    expect([right.holds, right.expectations.length]).toEqual([true, 3]);
    const plain = new Embedder({
      backend: new FakeBackend({ space: fakeSpace('plain') }),
      tokenizer: inlineBatchTokenizer(),
      probes: [],
    });
    expect(
      await plain.testModel({ dimension: 1_024, maxTokens: 8_192, heads: ['dense', 'sparse', 'colbert'] }),
    ).toMatchObject({
      holds: false,
      expectations: [
        { what: 'dimension', expected: '1024', actual: '8', holds: false },
        { what: 'maxTokens', expected: '8192', actual: '64', holds: false },
        { what: 'heads', expected: 'dense, sparse, colbert', actual: 'dense', holds: false },
      ],
    });
  });

  it('sees one wrong number of any head, and one wrong token', async () => {
    const probe = await known('abcab', 'query');
    const turned = Float32Array.from(probe.dense, (value, i) => (i === 0 ? value + 1 : value));
    const others: readonly Probe[] = [
      { ...probe, dense: turned },
      {
        ...probe,
        sparse: new Map([...(probe.sparse ?? [])].map(([id, weight], i) => [id, i === 0 ? weight * 3 : weight])),
      },
      { ...probe, colbert: (probe.colbert ?? new Float32Array()).map((value, i) => (i === 0 ? value + 1 : value)) },
      { ...probe, ids: probe.ids.map((id, i) => (i === 3 ? id + 1 : id)) },
      { ...probe, dense: probe.dense.slice(1) },
    ];
    for (const other of others) expect((await test([other])).holds).toBe(false);
  });
});
