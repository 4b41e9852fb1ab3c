import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KimeraError } from '@kimera/core';
import { openMeasuredBackend } from '../models/open-measured-backend.js';
import { root } from '../run-kimera.fixture.js';
import type { Fact, FactGroup, PublishedFacts } from './published-facts.js';
import { readPublishedFacts } from './read-published-facts.js';
import { verifyPublished, type PublishedReport } from './verify-published.js';

const folder = join(root, 'fixtures/models/bge-m3-tiny');
const scratch = mkdtempSync(join(tmpdir(), 'kimera-published-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const compare = (facts: PublishedFacts, path = folder): Promise<PublishedReport> =>
  verifyPublished({ folder: path, facts, openBackend: openMeasuredBackend(new AbortController().signal) });

/** The facts with the first one of a kind that `alter` changes. */
function altered(facts: PublishedFacts, alter: (fact: Fact) => Fact | undefined): PublishedFacts {
  let done = false;
  const groups = facts.groups.map((group) => ({
    ...group,
    facts: group.facts.map((fact) => {
      const other = done ? undefined : alter(fact);
      done ||= other !== undefined;
      return other ?? fact;
    }),
  }));
  expect(done).toBe(true);
  return { ...facts, groups };
}

/** One weight of a record moved by `by`. */
function moved(weights: Readonly<Record<string, number>>, by: number): Record<string, number> {
  const [first] = Object.entries(weights);
  return first === undefined ? {} : { ...weights, [first[0]]: first[1] + by };
}

/** Ten times the largest tolerance of the stand-in. */
const BY = 0.001;
const FIGURES = ['denseSimilarity', 'denseSum', 'lexicalScore', 'colbertScore', 'hybridScore'] as const;
const ALTERATIONS: readonly (readonly [what: string, alter: (fact: Fact) => Fact | undefined])[] = [
  ...FIGURES.map(
    (kind) => [kind, (fact: Fact) => (fact.kind === kind ? { ...fact, value: fact.value + BY } : undefined)] as const,
  ),
  [
    'lexicalWeights',
    (fact) =>
      fact.kind === 'lexicalWeights' && Object.keys(fact.weights).length > 0
        ? { ...fact, weights: moved(fact.weights, BY) }
        : undefined,
  ],
  [
    'lexicalWeights, one too many',
    (fact) => (fact.kind === 'lexicalWeights' ? { ...fact, weights: { ...fact.weights, 1998: BY } } : undefined),
  ],
  [
    'lexicalWeightsOfTokens',
    (fact) => (fact.kind === 'lexicalWeightsOfTokens' ? { ...fact, weights: moved(fact.weights, BY) } : undefined),
  ],
  [
    'lexicalWeightsOfTokens, a token that is not there',
    (fact) =>
      fact.kind === 'lexicalWeightsOfTokens' ? { ...fact, weights: { ...fact.weights, stranger: 0 } } : undefined,
  ],
  [
    'colbertShape',
    (fact) => (fact.kind === 'colbertShape' ? { ...fact, shape: [fact.shape[0] + 1, fact.shape[1]] } : undefined),
  ],
  ['tokens', (fact) => (fact.kind === 'tokens' ? { ...fact, ids: [...fact.ids.slice(0, -1), 7] } : undefined)],
];

describe('facts recorded from FlagEmbedding on a small checkpoint', () => {
  let facts: PublishedFacts;
  let report: PublishedReport;
  beforeAll(async () => {
    facts = await readPublishedFacts(join(root, 'fixtures/models/bge-m3-tiny-facts.json'));
    report = await compare(facts);
  });

  it('hold, every row', () => {
    expect(report).toMatchObject({ modelId: 'fixture/bge-m3-tiny', variant: 'fp32', notes: [] });
    expect(report.rows.filter(({ holds }) => !holds)).toEqual([]);
    const figures = facts.groups.flatMap((group) => group.facts).filter(({ kind }) => kind !== 'tokens');
    expect(report.rows).toHaveLength(figures.length + 1);
    expect(report.rows).toContainEqual({
      group: 'tokens',
      fact: 'tokenisations as tokenizer.json says',
      published: '21 of 21',
      yours: '21 of 21',
      holds: true,
    });
    expect(report.sources.map(({ name }) => name)).toEqual(facts.groups.map(({ name }) => name));
  });

  it.each(ALTERATIONS)('one altered figure is one row that does not hold: %s', async (_what, alter) => {
    const other = altered(facts, alter);
    // The tokenisations are the last group: one row after those of the figures.
    const figures = facts.groups.flatMap((group) => group.facts).filter(({ kind }) => kind !== 'tokens');
    const kept = new Set(other.groups.flatMap((group) => group.facts));
    const index = figures.findIndex((fact) => !kept.has(fact));
    const { rows } = await compare(other);
    expect(rows.flatMap(({ holds }, i) => (holds ? [] : [i]))).toEqual([index < 0 ? figures.length : index]);
    expect(rows.map(({ fact }) => fact)).toEqual(report.rows.map(({ fact }) => fact));
  });

  it('say which token, which text and by how much', async () => {
    const {
      rows: [weights],
    } = await compare({
      ...facts,
      groups: [group([{ kind: 'lexicalWeights', text: 'Hello', tokenizer: 'asFile', weights: { 5: 0.75 } }])],
    });
    expect(weights?.yours).toMatch(/^1 weights, off by at most 7\.5e-1: token 5 has 0, published 0\.75$/);
    const {
      rows: [tokens],
    } = await compare({
      ...facts,
      groups: [group([{ kind: 'tokens', text: 'Hello', tokenizer: 'asFile', ids: [0, 5, 2] }])],
    });
    expect(tokens?.yours).toMatch(/^0 of 1; first other: “Hello” gives 0 \d+ 2, published 0 5 2$/);
  });

  it('of another model are compared, with a note', async () => {
    const { notes } = await compare({ ...facts, modelId: 'other/model', groups: facts.groups.slice(0, 1) });
    expect(notes).toEqual(['the facts are about other/model; this folder calls itself fixture/bge-m3-tiny']);
  });

  it('are compared with the first variant, and a note names the others', async () => {
    const two = join(scratch, 'two');
    cpSync(folder, two, { recursive: true });
    const space = JSON.parse(readFileSync(join(folder, 'space.json'), 'utf8')) as { readonly variants: object[] };
    writeFileSync(
      join(two, 'space.json'),
      JSON.stringify({ ...space, variants: [...space.variants, { ...space.variants[0], name: 'int8' }] }),
    );
    const { variant, notes } = await compare(facts, two);
    expect({ variant, notes }).toEqual({
      variant: 'fp32',
      notes: ['compared is fp32; how far int8 is from it is recorded in space.json'],
    });
  });

  it('of an int8 variant hold within a wider tolerance, and a note says so', async () => {
    const int8 = join(scratch, 'int8');
    cpSync(folder, int8, { recursive: true });
    writeFileSync(
      join(int8, 'space.json'),
      readFileSync(join(folder, 'space.json'), 'utf8').replace('"name": "fp32"', '"name": "int8"'),
    );
    const kinds = [...FIGURES, 'lexicalWeights', 'lexicalWeightsOfTokens'];
    const within = ALTERATIONS.filter(([kind]) => kinds.includes(kind)).reduce(
      (all, [, alter]) => altered(all, alter),
      facts,
    );
    const report = await compare(within, int8);
    expect(report.notes).toEqual([
      'int8: the figures are of float32 and float16 runs, so each may be off by 0.03 more (a sum by 0.3)',
    ]);
    expect(report.rows.filter(({ holds }) => !holds)).toEqual([]);
    const beyond = altered(facts, (fact) =>
      fact.kind === 'denseSimilarity' ? { ...fact, value: fact.value - 0.04 } : undefined,
    );
    expect((await compare(beyond, int8)).rows.filter(({ holds }) => !holds)).toHaveLength(1);
  });

  it('that need a head which the model lacks say so and do not hold', async () => {
    const { rows } = await compare(facts, join(root, 'fixtures/models/bert-tiny-prompts'));
    const sparse = rows.filter(({ fact }) => fact.startsWith('lexical'));
    expect(sparse.length).toBeGreaterThan(0);
    expect(sparse.filter(({ holds }) => holds)).toEqual([]);
    expect(new Set(sparse.map(({ yours }) => yours))).toEqual(
      new Set(['head "sparse" is not available: this model has dense']),
    );
    expect(rows.find(({ fact }) => fact.startsWith('ColBERT shape'))).toMatchObject({
      published: '1 × 64',
      yours: 'head "colbert" is not available: this model has dense',
      holds: false,
    });
  });
});

function group(facts: FactGroup['facts']): FactGroup {
  return { name: 'test', source: 'here', licence: 'Apache-2.0', tolerance: { value: 0, reason: 'none' }, facts };
}

describe('a facts file', () => {
  it.each([
    ['not JSON', 'x'],
    ['another schema', '{"schema":"kimera-published-facts/2","modelId":"a","groups":[]}'],
    [
      'a kind that is not known',
      JSON.stringify({
        schema: 'kimera-published-facts/1',
        modelId: 'a',
        groups: [{ ...group([]), facts: [{ kind: 'mood', text: '', value: 1 }] }],
      }),
    ],
    [
      'a token id that is none',
      JSON.stringify({
        schema: 'kimera-published-facts/1',
        modelId: 'a',
        groups: [group([{ kind: 'lexicalWeights', text: '', tokenizer: 'asFile', weights: { What: 1 } }])],
      }),
    ],
    [
      'a group without a licence',
      JSON.stringify({
        schema: 'kimera-published-facts/1',
        modelId: 'a',
        groups: [{ ...group([{ kind: 'denseSum', text: '', value: 1 }]), licence: '' }],
      }),
    ],
  ])('is refused: %s', async (_what, json) => {
    const file = join(scratch, 'facts.json');
    writeFileSync(file, json);
    const error = await readPublishedFacts(file).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(KimeraError);
    expect(error).toMatchObject({ code: 'INVALID_FACTS_FILE', fields: { file } });
  });
});
