import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { lexicalScore } from '@kimera/core';
import { BGE_M3_FACTS } from '../assets.js';
import { root } from '../run-kimera.fixture.js';
import { bgeM3Tokenizer } from '../synthesize/bge-m3-tokenizer.js';
import { FactTokenizers } from './fact-tokenizers.js';
import type { PublishedFacts } from './published-facts.js';
import { builtInFacts, readPublishedFacts } from './read-published-facts.js';
import { tokenisationRows } from './tokenisation-rows.js';

describe('the facts of BAAI/bge-m3', () => {
  let facts: PublishedFacts;
  let tokenizers: FactTokenizers;
  beforeAll(async () => {
    facts = await readPublishedFacts(BGE_M3_FACTS);
    const json = bgeM3Tokenizer(readFileSync(join(root, 'models/multilingual-e5-small/tokenizer.json'), 'utf8'));
    expect(createHash('sha256').update(json).digest('hex')).toBe(
      '21106b6d7dab2952c1d496fb21d5dc9db75c28ed361a05f5020bbba27810dd08',
    );
    tokenizers = new FactTokenizers(json, 'tokenizer.json', 8192);
  });

  it('are found by the exact id', () => {
    expect(facts.modelId).toBe('BAAI/bge-m3');
    expect(builtInFacts('BAAI/bge-m3')).toBe(BGE_M3_FACTS);
    expect(builtInFacts('baai/bge-m3')).toBeUndefined();
  });

  it('have every tokenisation right on the published tokenizer: 98 as it is, 7 split at white space', () => {
    expect(
      facts.groups
        .flatMap((group) => tokenisationRows(group, tokenizers))
        .map(({ yours, holds }) => ({ yours, holds })),
    ).toEqual([
      { yours: '98 of 98', holds: true },
      { yours: '7 of 7', holds: true },
    ]);
  });

  it('differ on the 7 where the tokenizer is taken as it is', () => {
    const asFile = facts.groups.map((group) => ({
      ...group,
      facts: group.facts.map((fact) => (fact.kind === 'tokens' ? { ...fact, tokenizer: 'asFile' as const } : fact)),
    }));
    expect(asFile.flatMap((group) => tokenisationRows(group, tokenizers))).toMatchObject([
      { yours: expect.stringMatching(/^98 of 105; first other: “ ” gives 0 6 2, published 0 2$/), holds: false },
    ]);
  });

  it('give weights to tokens that their texts have, one ColBERT row a token, and scores that follow from the weights', () => {
    const all = facts.groups.flatMap((group) => group.facts);
    const weights = new Map<string, ReadonlyMap<number, number>>();
    for (const fact of all) {
      if (fact.kind === 'colbertShape')
        expect([fact.text, fact.shape]).toEqual([fact.text, [tokenizers.encode(fact.text, 'asFile').length - 1, 1024]]);
      if (fact.kind === 'lexicalWeightsOfTokens')
        expect([...tokenizers.idsByToken(fact.text).keys()]).toEqual(expect.arrayContaining(Object.keys(fact.weights)));
      if (fact.kind !== 'lexicalWeights') continue;
      weights.set(fact.text, new Map(Object.entries(fact.weights).map(([id, weight]) => [Number(id), weight])));
      expect([...tokenizers.encode(fact.text, fact.tokenizer)]).toEqual(
        expect.arrayContaining(Object.keys(fact.weights).map(Number)),
      );
    }
    const scores = all
      .filter((fact) => fact.kind === 'lexicalScore')
      .filter(({ query, passage }) => weights.has(query) && weights.has(passage));
    expect(scores.length).toBeGreaterThan(0);
    for (const { query, passage, value } of scores)
      expect(
        Math.abs(lexicalScore(weights.get(query) ?? new Map(), weights.get(passage) ?? new Map()) - value),
      ).toBeLessThan(1e-4);
  });
});
