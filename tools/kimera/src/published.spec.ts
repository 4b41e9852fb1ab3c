import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { kimera, minilm, root, type Run } from './run-kimera.fixture.js';

const scratch = mkdtempSync(join(tmpdir(), 'kimera-published-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const folder = join(root, 'fixtures/models/bge-m3-tiny');
const facts = join(root, 'fixtures/models/bge-m3-tiny-facts.json');
const row = z.strictObject({
  group: z.string(),
  fact: z.string(),
  published: z.string(),
  yours: z.string(),
  holds: z.boolean(),
});
const verifySchema = z.strictObject({
  folder: z.string(),
  description: z.string(),
  holds: z.boolean(),
  checks: z.array(z.strictObject({ check: z.string(), expected: z.string(), actual: z.string(), holds: z.boolean() })),
  published: z.strictObject({
    modelId: z.string(),
    variant: z.string(),
    notes: z.array(z.string()),
    sources: z.array(
      z.strictObject({
        name: z.string(),
        source: z.string(),
        licence: z.string(),
        tolerance: z.strictObject({ value: z.number(), reason: z.string() }),
      }),
    ),
    rows: z.array(row),
  }),
});
const errorSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});

function verify(path: string, ...words: readonly string[]): Promise<Run> {
  return kimera(['models', 'verify', path, ...words], scratch);
}

describe('models verify --published', () => {
  it('prints a second table and ends with 0 where every fact holds', async () => {
    const run = await verify(folder, '--published', facts);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/^CHECK +EXPECTED +ACTUAL +HOLDS$/m);
    expect(run.stdout).toMatch(/^FACT +PUBLISHED +YOURS +HOLDS$/m);
    expect(run.stdout).toMatch(
      /^pairs: hybrid score of 0\.4 dense \+ 0\.2 sparse \+ 0\.4 colbert, “what is bge-m3\?” · “bge-m3 is a model that …” +0\.9980474 ± 0\.0001 +0\.998047\d* +yes$/m,
    );
    expect(run.stdout).toMatch(/^tokens: tokenisations as tokenizer\.json says +21 of 21 +21 of 21 +yes$/m);
    expect(run.stdout).toMatch(/^every line holds$/m);
  });

  it.each([
    ['dense similarity', /("denseSimilarity".*?"value": )[\d.]+/, '$10.5'],
    ['lexical weights', /("lexicalWeights".*?"weights": \{"\d+": )[\d.]+/, '$10.5'],
    ['lexical score', /("lexicalScore".*?"value": )[\d.]+/, '$10.5'],
    ['ColBERT shape', /("colbertShape".*?"shape": \[)\d+/, '$177'],
    ['ColBERT score', /("colbertScore".*?"value": )[\d.]+/, '$10.5'],
    ['hybrid score', /("hybridScore".*?"value": )[\d.]+/, '$10.5'],
    ['tokenisations', /("tokens".*?"ids": \[0, )\d+/, '$177'],
  ])('ends with 2 where one figure is another, and names its row: %s', async (name, pattern, replacement) => {
    const json = readFileSync(facts, 'utf8');
    const other = json.replace(pattern, replacement);
    expect(other).not.toBe(json);
    writeFileSync(join(scratch, 'other.json'), other);
    const run = await verify(folder, '--json', '--published=other.json');
    expect(run.code).toBe(2);
    const { holds, checks, published } = verifySchema.parse(JSON.parse(run.stdout));
    expect(holds).toBe(false);
    expect(checks.every((check) => check.holds)).toBe(true);
    const failed = published.rows.filter((fact) => !fact.holds);
    expect(failed).toHaveLength(1);
    expect(failed[0]?.fact.startsWith(name)).toBe(true);
  });

  it('refuses a file that is none, before anything is measured', async () => {
    writeFileSync(join(scratch, 'bad.json'), '{"schema":"kimera-published-facts/1"}');
    const run = await verify(folder, '--json', '--published', 'bad.json');
    expect(run.code).toBe(2);
    expect(errorSchema.parse(JSON.parse(run.stdout)).error.code).toBe('INVALID_FACTS_FILE');
    expect(run.stderr).toMatch(/^kimera: [^\n]*bad\.json: [^\n]+\n$/);
    const missing = await verify(folder, '--json', '--published', 'nowhere.json');
    expect(missing.code).toBe(1);
    expect(errorSchema.parse(JSON.parse(missing.stdout)).error.code).toBe('INPUT_NOT_FOUND');
  });

  it('compares with the facts of BAAI/bge-m3 where no file is named, and by itself under exactly that id', async () => {
    const renamed = join(scratch, 'renamed');
    cpSync(folder, renamed, { recursive: true });
    writeFileSync(
      join(renamed, 'space.json'),
      readFileSync(join(folder, 'space.json'), 'utf8').replace('fixture/bge-m3-tiny', 'BAAI/bge-m3'),
    );
    const run = await verify(renamed, '--json');
    expect(run.code).toBe(2);
    const { published, checks } = verifySchema.parse(JSON.parse(run.stdout));
    expect(checks.every((check) => check.holds)).toBe(true);
    expect(published).toMatchObject({ modelId: 'BAAI/bge-m3', notes: [] });
    expect(published.sources.map(({ licence }) => licence)).toEqual(expect.arrayContaining(['MIT', 'Apache-2.0']));
    // Random weights under that name: only the empty text and the score of texts that share no token can hold.
    expect(published.rows.filter(({ fact, holds }) => holds && fact.startsWith('dense similarity'))).toEqual([]);
    const asked = await verify(folder, '--published');
    expect(asked.code).toBe(2);
    expect(asked.stdout).toContain('the facts are about BAAI/bge-m3; this folder calls itself fixture/bge-m3-tiny');
    expect(asked.stdout).toMatch(/^\d+ of \d+ lines do not hold: this folder must not serve$/m);
    const unasked = await verify(folder, '--json');
    expect(unasked.code).toBe(0);
    expect(JSON.parse(unasked.stdout)).not.toHaveProperty('published');
  });

  it('says so where the model lacks the head', async () => {
    const run = await verify(minilm, '--published', facts);
    expect(run.code).toBe(2);
    expect(run.stdout).toMatch(
      /^vectors: ColBERT shape, “” +1 × 64 +head "colbert" is not available: this model has dense +NO$/m,
    );
  });

  it('leaves a folder that does not open to its checks', async () => {
    const broken = join(scratch, 'broken');
    cpSync(folder, broken, { recursive: true });
    writeFileSync(join(broken, 'onnx/model.onnx_data'), 'short');
    const run = await verify(broken, '--published', facts);
    expect(run.code).toBe(2);
    expect(run.stdout).toMatch(/^folder opens .* NO$/m);
    expect(run.stdout).not.toContain('FACT');
  });
});
