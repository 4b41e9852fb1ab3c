import { describe, expect, it } from '@jest/globals';
import {
  checkPositions,
  type EmbeddingSpace,
  promptOf,
  type SpaceIdentity,
  spaceFingerprint,
  tokenLimit,
} from './index.js';

const identity: SpaceIdentity = {
  weights: 'a'.repeat(64),
  tokenizer: 'b'.repeat(64),
  maxTokens: 256,
  pooling: ['mean'],
  normalize: true,
  prompts: { query: 'query: ', document: '' },
  dimension: 384,
};
const space: EmbeddingSpace = {
  ...identity,
  namedPrompts: { passage: 'passage: ', sts: '' },
  fingerprint: 'c'.repeat(64),
  modelId: 'test/model',
  heads: ['dense'],
};

describe('prompts', () => {
  it('are taken by the name of a role or of another prompt', () => {
    expect(['query', 'document', 'passage', 'sts', undefined].map((role) => promptOf(space, role))).toEqual([
      'query: ',
      '',
      'passage: ',
      '',
      '',
    ]);
    expect(promptOf({ ...space, defaultRole: 'passage' }, undefined)).toBe('passage: ');
  });

  it.each(['passages', 'toString', '__proto__', ''])('refuses %j, naming those that there are', (role) => {
    expect(() => promptOf(space, role)).toThrow('expected "query" or "document" or "passage" or "sts"');
  });
});

describe('the fingerprint', () => {
  const print = (change: Partial<SpaceIdentity>): Promise<string> => spaceFingerprint({ ...identity, ...change });

  it('has no part of a prompt that gives no other text', async () => {
    const same = { sts: '', retrieval: 'query: ' };
    expect(await print({ namedPrompts: same })).toBe(await print({}));
    expect(await print({ namedPrompts: { ...same, passage: 'passage: ' } })).not.toBe(await print({}));
  });

  it('differs by every member that some spaces have', async () => {
    const changes: readonly Partial<SpaceIdentity>[] = [
      {},
      { defaultRole: 'query' },
      { promptPooling: 'excluded' },
      { truncationSide: 'left' },
      { namedPrompts: { passage: 'passage: ' } },
      { namedPrompts: { passages: 'passage: ' } },
      { modules: ['truncate 384 to 128'] },
      { modules: ['normalize', 'truncate 384 to 128'] },
      { encoder: { attentionHeads: 6 } },
      { encoder: { activation: 'relu' } },
      { encoder: { layerNormEpsilon: 1e-6 } },
      { encoder: { firstPosition: 2 } },
    ];
    const prints = await Promise.all(changes.map(print));
    expect(new Set(prints).size).toBe(changes.length);
  });
});

describe('limits', () => {
  it('cut a text on the side of its space', () => {
    expect(tokenLimit(space)).toEqual({ maxTokens: 256 });
    expect(tokenLimit({ ...space, truncationSide: 'left' })).toEqual({ maxTokens: 256, truncationSide: 'left' });
  });

  it('refuse a text that is not cut and has no positions', () => {
    expect(() => checkPositions(space, [256])).not.toThrow();
    expect(() => checkPositions({ ...space, positions: 64 }, [64, 3])).not.toThrow();
    expect(() => checkPositions({ ...space, positions: 64 }, [3, 65])).toThrow(
      'a text has 65 tokens, the model has positions for 64; its files allow 256',
    );
  });
});
