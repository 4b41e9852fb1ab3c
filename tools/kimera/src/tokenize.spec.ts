import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import { checkpointForms, unpackForm } from './forms/check-form.fixture.js';
import { kimera } from './run-kimera.fixture.js';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-tokenize-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

it('tokenize cuts a long text on the side of the space', async () => {
  const checkpoint = join(scratch, 'checkpoint');
  await unpackForm(checkpointForms, 'truncation-left-short-limit', checkpoint);
  const { texts, ids } = z
    .looseObject({ texts: z.array(z.string()), ids: z.array(z.array(z.int())) })
    .parse(JSON.parse(await readFile(join(checkpoint, 'expected.json'), 'utf8')));
  await kimera(['models', 'convert', checkpoint, '--out', 'model'], scratch);
  const { code, stdout } = await kimera(
    ['tokenize', '--model', './model'],
    scratch,
    texts.map((text) => `${JSON.stringify({ text })}\n`).join(''),
  );
  expect(code).toBe(0);
  const answers = stdout.trim().split('\n');
  expect(answers.map((line) => z.looseObject({ ids: z.array(z.int()) }).parse(JSON.parse(line)).ids)).toEqual(ids);
});
