import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { KimeraError } from '@kimera/core';
import { parseTokenizer } from '@kimera/tokenizers';
import { z } from 'zod';
import { root } from '../../fixtures.fixture.js';
import { Accounting } from '../accounting.js';
import { effectiveTokenizer, readTokenizerConfig } from './effective-tokenizer.js';

const json = z.record(z.string(), z.unknown());
const caseSchema = z.object({
  base: z.string(),
  tokenizer: json,
  config: json,
  special: json.nullable(),
  added: json.nullable(),
  side: z.enum(['left', 'right']),
  ids: z.array(z.array(z.int())),
});
/** Random files beside tokenizer.json, and what transformers 4.57.6 makes of them: make_effective.py beside the file. */
const [first = '', ...lines] = readFileSync(join(root, 'fixtures/tokenizers/effective.jsonl'), 'utf8')
  .trim()
  .split('\n');
const { texts } = z.object({ texts: z.array(z.string()) }).parse(JSON.parse(first));
const cases = lines.map((line) => caseSchema.parse(JSON.parse(line)));

/** The ids of all texts, and the side; or the code of a refusal. */
async function outcome(each: z.infer<typeof caseSchema>): Promise<unknown> {
  const base = join(root, 'fixtures', each.base);
  const folder = await mkdtemp(join(tmpdir(), 'kimera-effective-'));
  try {
    const files = {
      'tokenizer_config.json': each.config,
      'special_tokens_map.json': each.special,
      'added_tokens.json': each.added,
    };
    for (const [name, value] of Object.entries(files))
      if (value !== null) await writeFile(join(folder, name), JSON.stringify(value));
    const tokenizer = json.parse(JSON.parse(await readFile(join(base, 'tokenizer.json'), 'utf8')));
    const settings = {
      overrides: {},
      casing: 'as it is' as const,
      config: json.parse(JSON.parse(await readFile(join(base, 'config.json'), 'utf8'))),
    };
    const config = await readTokenizerConfig(folder, settings, new Accounting());
    const effective = await effectiveTokenizer(
      folder,
      JSON.stringify({ ...tokenizer, ...each.tokenizer }),
      config,
      settings,
    );
    const read = parseTokenizer(effective.json, folder);
    return {
      side: effective.truncationSide,
      ids: texts.map((text) => [...read.encode(text, { maxTokens: 1_000 }).ids]),
    };
  } catch (error) {
    if (error instanceof KimeraError) return error.code;
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('gives the ids of transformers whatever the files beside tokenizer.json say', async () => {
  expect(cases.length).toBe(60);
  for (const each of cases) expect(await outcome(each)).toEqual({ side: each.side, ids: each.ids });
});

it('leaves out a normalised token that no text of the changed casing holds, and refuses one that no file can say', async () => {
  const token = {
    id: 300,
    content: 'Hello',
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: false,
  };
  const base = join(root, 'fixtures/encoders/bert-relu');
  const file = z
    .looseObject({ added_tokens: z.array(json), normalizer: json })
    .parse(JSON.parse(await readFile(join(base, 'tokenizer.json'), 'utf8')));
  const changed = (inFile: boolean, inConfig: boolean): Promise<unknown> =>
    outcome({
      base: 'encoders/bert-relu',
      tokenizer: {
        added_tokens: [...file.added_tokens, token],
        normalizer: { ...file.normalizer, lowercase: inFile, strip_accents: null },
      },
      config: { tokenizer_class: 'BertTokenizer', do_lower_case: inConfig },
      special: null,
      added: null,
      side: 'right',
      ids: [],
    });
  const heard = z.object({ ids: z.array(z.array(z.int())) }).parse(await changed(false, true));
  expect(heard.ids.flat()).not.toContain(token.id);
  expect(await changed(true, false)).toBe('UNSUPPORTED_MODEL');
});
