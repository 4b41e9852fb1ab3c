import { describe, expect, it } from '@jest/globals';
import { UnnormalizedOutputError } from '@kimera/core';
import { rejection } from '@kimera/testing';
import { FastGraph, type GraphInput, type GraphSession, type RunRequest } from './index.js';

/** Answers every output with its numbers, and remembers what it was fed. */
function session(
  inputNames: readonly string[],
  outputs: Readonly<Record<string, unknown>>,
): GraphSession & { readonly fed: Readonly<Record<string, GraphInput>>[] } {
  const fed: Readonly<Record<string, GraphInput>>[] = [];
  return {
    inputNames,
    outputNames: Object.keys(outputs),
    fed,
    run: async (feeds) => {
      fed.push(feeds);
      return Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, { data }]));
    },
  };
}
const group = (heads: RunRequest['heads']): RunRequest => ({
  ids: Int32Array.of(1, 2, 3, 4),
  groups: [{ texts: 2, tokens: 2 }],
  heads,
  promptTokens: Int32Array.of(1, 0),
});

describe('a fast graph', () => {
  it('is fed the inputs that it has: ids, switches of its heads, tokens of prompts', async () => {
    const all = session(['input_ids', 'want_sparse', 'prompt_tokens'], {
      dense: Float32Array.of(1),
      sparse: Float32Array.of(2),
    });
    const graph = new FastGraph(all, 'graph', ['dense', 'sparse']);
    expect(await graph.run(group(['dense']))).toEqual({ dense: Float32Array.of(1) });
    expect(await graph.run(group(['sparse', 'dense']))).toEqual({
      dense: Float32Array.of(1),
      sparse: Float32Array.of(2),
    });
    expect(all.fed).toEqual(
      [0, 1].map((wanted) => ({
        input_ids: { type: 'int64', data: BigInt64Array.of(1n, 2n, 3n, 4n), dims: [2, 2] },
        want_sparse: { type: 'bool', data: Uint8Array.of(wanted), dims: [] },
        prompt_tokens: { type: 'int64', data: BigInt64Array.of(1n, 0n), dims: [2] },
      })),
    );
    const plain = session(['input_ids'], { dense: Float32Array.of(1) });
    await new FastGraph(plain, 'graph', ['dense']).run(group(['dense']));
    expect(Object.keys(plain.fed[0] ?? {})).toEqual(['input_ids']);
  });

  /** A text of three tokens and two of one. */
  const mixed: RunRequest = {
    ids: Int32Array.of(1, 2, 3, 4, 5),
    groups: [
      { texts: 1, tokens: 3 },
      { texts: 2, tokens: 1 },
    ],
    heads: ['dense'],
    promptTokens: Int32Array.of(2, 0, 1),
  };

  it('takes texts of several lengths in one run: their places and the sizes of their groups', async () => {
    const graph = session(['input_ids', 'token_places', 'groups', 'prompt_tokens'], {
      dense: Float32Array.of(1, 2, 3),
    });
    expect(await new FastGraph(graph, 'graph', ['dense']).run(mixed)).toEqual({ dense: Float32Array.of(1, 2, 3) });
    expect(graph.fed).toEqual([
      {
        input_ids: { type: 'int64', data: BigInt64Array.of(1n, 2n, 3n, 4n, 5n), dims: [5] },
        token_places: { type: 'int64', data: BigInt64Array.of(0n, 1n, 2n, 0n, 0n), dims: [5] },
        groups: { type: 'int64', data: BigInt64Array.of(1n, 3n, 2n, 1n), dims: [2, 2] },
        prompt_tokens: { type: 'int64', data: BigInt64Array.of(2n, 0n, 1n), dims: [3] },
      },
    ]);
  });

  it('that takes texts of one length alone gets them group by group, and its answers are put together', async () => {
    const fed: Readonly<Record<string, GraphInput>>[] = [];
    const older: GraphSession = {
      inputNames: ['input_ids', 'prompt_tokens'],
      outputNames: ['dense'],
      run: async (feeds) => {
        fed.push(feeds);
        return { dense: { data: Float32Array.from(feeds['prompt_tokens']?.data ?? [], Number) } };
      },
    };
    expect(await new FastGraph(older, 'graph', ['dense']).run(mixed)).toEqual({ dense: Float32Array.of(2, 0, 1) });
    expect(fed.map(({ input_ids }) => input_ids)).toEqual([
      { type: 'int64', data: BigInt64Array.of(1n, 2n, 3n), dims: [1, 3] },
      { type: 'int64', data: BigInt64Array.of(4n, 5n), dims: [2, 1] },
    ]);
  });

  it('tells the vector before its normalisation where it has it, and says what to do where it has not', async () => {
    const both = new FastGraph(
      session(['input_ids'], { dense: Float32Array.of(1), pooled: Float32Array.of(3) }),
      'graph',
      ['dense'],
    );
    expect(await both.run({ ...group(['dense']), normalize: false })).toEqual({ dense: Float32Array.of(3) });
    expect(await both.run(group(['dense']))).toEqual({ dense: Float32Array.of(1) });
    const older = new FastGraph(
      session(['input_ids', 'want_sparse'], { dense: Float32Array.of(1), sparse: Float32Array.of(2) }),
      'a/graph',
      ['dense', 'sparse'],
    );
    const error = await rejection(() => older.run({ ...group(['sparse', 'dense']), normalize: false }));
    expect(error).toBeInstanceOf(UnnormalizedOutputError);
    expect(error).toMatchObject({ code: 'UNNORMALIZED_OUTPUT', fields: { model: 'a/graph' } });
    expect(await older.run({ ...group(['sparse']), normalize: false })).toEqual({ sparse: Float32Array.of(2) });
  });

  it('is refused where it asks for what nobody knows, or lacks a head that was promised', () => {
    const of = (inputs: readonly string[], heads: RunRequest['heads']) => () =>
      new FastGraph(session(inputs, { dense: Float32Array.of(1), sparse: Float32Array.of(1) }), 'a/graph', heads);
    expect(of(['input_ids', 'attention_mask'], ['dense'])).toThrow(
      'cannot load a/graph: the graph asks for the inputs attention_mask, which are not known',
    );
    expect(of(['input_ids'], ['dense', 'sparse'])).toThrow('the graph has no sparse, which space.json promises');
    expect(of(['input_ids', 'want_colbert'], ['dense', 'colbert'])).toThrow('the graph has no colbert');
  });

  it('says on which batch the runtime failed, or gave no numbers', async () => {
    const silent = new FastGraph(session(['input_ids'], { dense: Uint8Array.of(1) }), 'graph', ['dense']);
    expect(await rejection(() => silent.run(group(['dense'])))).toMatchObject({
      code: 'INFERENCE',
      texts: 2,
      tokens: 2,
      reason: 'the graph has no float output "dense"',
    });
    const failing = new FastGraph(
      { ...session(['input_ids'], { dense: 0 }), run: () => Promise.reject(new Error('out of memory')) },
      'graph',
      ['dense'],
    );
    expect(await rejection(() => failing.run(group(['dense'])))).toMatchObject({
      code: 'INFERENCE',
      reason: 'out of memory',
    });
  });
});
