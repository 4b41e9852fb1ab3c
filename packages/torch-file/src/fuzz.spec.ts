import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fuzzOnce, fuzzSeeds, random } from './fuzz.fixture.js';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-fuzz-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

it('400 mutated files are read or refused, and many are each', async () => {
  const seeds = await fuzzSeeds();
  const next = random(20_251_125);
  const outcomes: string[] = [];
  for (let i = 0; i < 400; i++) {
    const seed = seeds[next(seeds.length)];
    if (seed !== undefined) outcomes.push(await fuzzOnce(seed, scratch, next));
  }
  expect(outcomes).toHaveLength(400);
  expect(outcomes.filter((outcome) => outcome === 'read').length).toBeGreaterThan(3);
  expect(new Set(outcomes).size).toBeGreaterThan(8);
});
