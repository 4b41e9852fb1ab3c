import { describe, expect, it } from '@jest/globals';
import { detailedTokens, UnknownRoleError } from '@kimera/core';
import { FakeBackend, fakeSpace, inlineBatchTokenizer } from '@kimera/testing';
import { Embedder } from './index.js';

function embedder(fields: Parameters<typeof fakeSpace>[1] = {}): { embed: Embedder; backend: FakeBackend } {
  const backend = new FakeBackend({ space: fakeSpace('tokens', { maxTokens: 4, ...fields }) });
  return { backend, embed: new Embedder({ backend, tokenizer: inlineBatchTokenizer(), probes: [] }) };
}
/** One token a unit behind the special one: `b` is 99. */
const ids = (text: string): readonly number[] => [0, ...Array.from(text, (unit) => unit.charCodeAt(0) + 1)];
const prompts = { query: 'q:', document: '' };

describe('the side at which a text is cut', () => {
  it.each([
    ['right', undefined, 'abc'],
    ['left', undefined, 'def'],
    [undefined, undefined, 'abc'],
    [undefined, 'left', 'def'],
    ['right', 'left', 'abc'],
  ] as const)('asked for %s, of a space that cuts %s', async (truncationSide, ofSpace, kept) => {
    const { embed, backend } = embedder({ truncationSide: ofSpace });
    const [embedding] = await embed.encodeBatch(['abcdef'], { truncationSide });
    expect(embedding).toMatchObject({ tokens: 4, totalTokens: 7, truncated: true, space: embed.space.fingerprint });
    expect([...(backend.batches[0]?.ids ?? [])]).toEqual(ids(kept));
    expect(await embed.tokenize(['abcdef', 'a'], undefined, { truncationSide })).toMatchObject({
      ids: [Int32Array.from(ids(kept)), Int32Array.from(ids('a'))],
      totalTokens: Int32Array.of(7, 2),
    });
    expect((await embed.encodeText('ab', { truncationSide })).truncated).toBe(false);
  });

  it('at the left takes the prompt first, which is part of the text', async () => {
    const { embed } = embedder({ prompts });
    const cut = await embed.tokenize(['abcd', 'a'], 'query', { truncationSide: 'left' });
    expect(cut.ids.map((list) => [...list])).toEqual([ids('bcd'), ids('q:a')]);
  });
});

describe('tokens of texts', () => {
  it('stand behind the prompt that is named, uncut, with or without special tokens', async () => {
    const { embed } = embedder({ prompts, namedPrompts: { other: 'é' } });
    const of = async (...call: Parameters<Embedder['tokenizeDetailed']>) =>
      (await embed.tokenizeDetailed(...call)).map((columns) => [...detailedTokens(columns)]);
    const special = { id: 0, text: '<s>', special: true, start: null, stop: null };
    expect(await of(['a🙂bcd'], { promptName: 'other' })).toMatchObject([
      [special, { text: 'é', special: false, start: 0, stop: 2 }, { text: 'a', start: 2, stop: 3 }, {}, {}, {}, {}, {}],
    ]);
    expect(await of(['b', ''], { addSpecialTokens: false })).toEqual([
      [{ id: 99, text: 'b', special: false, start: 0, stop: 1 }],
      [],
    ]);
    expect(await of([])).toEqual([]);
    await expect(embed.tokenizeDetailed(['a'], { promptName: 'none' })).rejects.toThrow(UnknownRoleError);
  });

  it('of no prompt are those that are embedded: behind the prompt of the default role, where the space has one', async () => {
    expect((await embedder({ prompts, defaultRole: 'query' }).embed.tokenizeDetailed(['a']))[0]?.text).toBe('q:a');
    expect((await embedder({ prompts }).embed.tokenizeDetailed(['a']))[0]?.text).toBe('a');
  });

  it('become the text again, special tokens left out unless asked for', async () => {
    const { embed } = embedder();
    const lists = [Int32Array.from(ids('hello')), Int32Array.of(99, 0x20000)];
    expect(await embed.decode(lists)).toEqual(['hello', 'b']);
    expect(await embed.decode(lists, { skipSpecialTokens: false })).toEqual(['<s>hello', 'b']);
  });
});
