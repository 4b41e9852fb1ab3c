import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { cosine } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { z } from 'zod';
import { ended, killKimeras, kimera, minilm, root, startKimera, type Run } from './run-kimera.fixture.js';

const tokenLine = z.strictObject({ ids: z.array(z.int()), totalTokens: z.int(), truncated: z.boolean() });
const embedLine = z.strictObject({
  dense: z.array(z.number()).length(384),
  tokens: z.int(),
  truncated: z.boolean(),
  space: z.string(),
});
const errorLine = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) });
const similaritySchema = z.strictObject({
  space: z.string(),
  modelId: z.string(),
  texts: z.array(z.string()),
  truncated: z.array(z.boolean()),
  matrix: z.array(z.array(z.number())),
});

const lines = (stdout: string): unknown[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
const jsonl = (texts: readonly string[]): string => texts.map((text) => `${JSON.stringify({ text })}\n`).join('');

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-cli-'));
});
afterEach(killKimeras);
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('tokenize', () => {
  it('gives the ids of the recorded probes, cuts and says so', async () => {
    const { probes } = await openModelFolder(minilm);
    const run = await kimera(
      ['tokenize', '--model', minilm],
      scratch,
      jsonl([...probes.map(({ text }) => text), 'word '.repeat(400)]),
    );
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const results = lines(run.stdout).map((line) => tokenLine.parse(line));
    expect(results.slice(0, -1).map(({ ids }) => ids)).toEqual(probes.map(({ ids }) => [...ids]));
    expect(results.at(-1)).toMatchObject({ totalTokens: 402, truncated: true });
    expect(results.at(-1)?.ids).toHaveLength(256);
  });

  it('keeps the order over many batches and holds the place of every bad line; then ends with 1', async () => {
    const input = Array.from({ length: 2_000 }, (_, i) =>
      i % 500 === 7 ? 'no json' : JSON.stringify({ text: `text ${i}` }),
    ).join('\n');
    const { code, stdout, stderr } = await kimera(['tokenize'], scratch, input);
    expect(code).toBe(1);
    expect(stderr).toBe('kimera: 4 of 2,000 lines failed: each has its "error" in its place\n');
    const results = lines(stdout);
    expect(results).toHaveLength(2_000);
    for (const [i, line] of results.entries())
      expect((i % 500 === 7 ? errorLine : tokenLine).safeParse(line).success).toBe(true);
    const alone = await kimera(['tokenize'], scratch, jsonl(['text 1234']));
    expect(results[1234]).toEqual(lines(alone.stdout)[0]);
  });

  describe('a bad line is an error in its place, and its neighbours are not touched:', () => {
    const bad: readonly (readonly [what: string, line: string | Buffer, message: string])[] = [
      ['no JSON', '{', 'the line is not JSON'],
      ['an empty line', '', 'the line is not JSON'],
      ['no object', '"text"', 'expected an object'],
      ['no text', '{"txt":"a"}', 'expected an object'],
      ['a text that is a number', '{"text":1}', 'expected an object'],
      ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not UTF-8'],
      ['nine million bytes', `{"text":"${'x'.repeat(9_000_000)}"}`, 'more than 8388608 bytes'],
    ];
    let run: Run;
    beforeAll(async () => {
      const lineEnds = [Buffer.from('{"text":"before"}\r\n'), Buffer.from('\n{"text":"after"}')] as const;
      const input = bad.flatMap(([, line], i) => [
        ...(i === 0 ? [] : [Buffer.from('\n')]),
        lineEnds[0],
        Buffer.from(line),
        lineEnds[1],
      ]);
      run = await kimera(['tokenize'], scratch, Buffer.concat(input));
    });

    it('there is a line for each, and the command ends with 1', () => {
      expect(run.code).toBe(1);
      expect(lines(run.stdout)).toHaveLength(3 * bad.length);
    });

    it.each(bad.map(([what, , message], i) => ({ what, message, i })))('$what', ({ message, i }) => {
      const [before, wrong, after] = lines(run.stdout).slice(3 * i, 3 * i + 3);
      tokenLine.parse(before);
      const { error } = errorLine.parse(wrong);
      expect(error.code).toBe('INVALID_LINE');
      expect(error.message).toContain(message);
      tokenLine.parse(after);
    });
  });

  it('no input gives no output', async () => {
    expect(await kimera(['tokenize'], scratch)).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('embed', () => {
  it('gives the recorded vectors with their space, and float32 exactly', async () => {
    const { probes, space } = await openModelFolder(minilm);
    const words = ['embed', '--model', minilm, '--variant', 'full'];
    const { code, stdout } = await kimera(words, scratch, jsonl(probes.map(({ text }) => text)));
    expect(code).toBe(0);
    const results = lines(stdout).map((line) => embedLine.parse(line));
    expect(results).toHaveLength(probes.length);
    results.forEach((result, i) => {
      expect(cosine(result.dense, probes[i]?.dense ?? [])).toBeGreaterThan(0.9999);
      expect(result).toMatchObject({ space: space.fingerprint, tokens: probes[i]?.ids.length, truncated: false });
      expect(result.dense.map((value) => Number(Math.fround(value).toPrecision(9)))).toEqual(result.dense);
    });
  });

  it('puts the prompt of a role before the text', async () => {
    const model = join(root, 'models/multilingual-e5-small');
    const [query, plain] = await Promise.all([
      kimera(['embed', '--model', model, '--role', 'query'], scratch, jsonl(['hello'])),
      kimera(['embed', '--model', model], scratch, jsonl(['query: hello'])),
    ]);
    expect(query.code).toBe(0);
    expect(query.stdout).toBe(plain.stdout);
  });

  it('answers a line before the next one comes, and stops at Ctrl-C with what is done', async () => {
    const child = startKimera(['embed', '--model', minilm], scratch);
    const run = ended(child);
    child.stdin.write('{"text":"one"}\n');
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdin.write('{"text":"two"}\n');
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await run;
    expect(code).toBe(3);
    expect(lines(stdout)).toHaveLength(2);
    expect(stderr).toBe('kimera: stopped after 2 lines; go on with the input from line 3 (tail -n +3)\n');
  });

  it('ends quietly where its reader goes away while more comes in', async () => {
    const child = startKimera(['embed', '--model', minilm], scratch);
    const run = ended(child);
    const more = jsonl(Array.from({ length: 200 }, (_, i) => `text ${i}`));
    const feed = (): void => {
      while (child.stdin.writable && child.stdin.write(more));
    };
    child.stdin.on('drain', feed);
    feed();
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await run;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it.each([
    ['a head that the model lacks', ['--head', 'sparse'], 2, 'head "sparse" is not available'],
    ['a variant that it lacks', ['--variant', 'q4'], 1, 'variant "q4" is not in this model folder'],
    ['a folder that is no model', ['--model', '.'], 1, 'no model at'],
  ])('refuses %s before it reads', async (_what, words, expected, message) => {
    const { code, stdout, stderr } = await kimera(['embed', ...words], scratch, jsonl(['hello']));
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toMatch(/^kimera: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});

describe('similarity', () => {
  it('gives a matrix that its vectors have', async () => {
    const texts = ['a cat', 'a kitten', 'an invoice'];
    const run = await kimera(['similarity', ...texts, '--json'], scratch);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { matrix, texts: given, space } = similaritySchema.parse(JSON.parse(run.stdout));
    expect(given).toEqual(texts);
    const embedded = await kimera(['embed'], scratch, jsonl(texts));
    const vectors = lines(embedded.stdout).map((line) => embedLine.parse(line));
    expect(vectors[0]?.space).toBe(space);
    matrix.forEach((row, i) =>
      row.forEach((value, j) => expect(value).toBeCloseTo(cosine(vectors[i]?.dense ?? [], vectors[j]?.dense ?? []), 5)),
    );
  });

  it('says where a text was cut', async () => {
    const { code, stdout, stderr } = await kimera(['similarity', 'short', 'word '.repeat(400)], scratch);
    expect(code).toBe(0);
    expect(stdout).toMatch(/cosine in space ae19e978918d/);
    expect(stderr).toBe('kimera: text 2 was cut to 256 of 402 tokens\n');
  });
});

describe('serve', () => {
  it('serves until SIGTERM, which ends with 0', async () => {
    const child = startKimera(['serve', '--model', minilm, '--port', '0'], scratch);
    const run = ended(child);
    const url = await new Promise<string>((resolve) => {
      child.stdout.on('data', (text: string) => {
        const [found] = /http:\/\/[\d.]+:\d+/.exec(text) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const response = await fetch(`${url}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: 'hello' }),
    });
    expect(response.headers.get('x-embedding-space')).toBe((await openModelFolder(minilm)).space.fingerprint);
    const [vector] = z.array(z.array(z.number())).parse(await response.json());
    expect(vector).toHaveLength(384);
    child.kill('SIGTERM');
    expect((await run).code).toBe(0);
  });

  it('ends where the program that launched it ends while it starts', async () => {
    const launcher = join(scratch, 'npx');
    const program = JSON.stringify(join(root, 'tools/kimera/bin/kimera.mjs'));
    await writeFile(
      launcher,
      `const { spawn } = require('node:child_process');
       spawn(process.execPath, [${program}, ...process.argv.slice(2)], { stdio: 'inherit' });`,
    );
    const child = startKimera(['serve', '--model', minilm, '--port', '0'], scratch, {}, launcher);
    const run = ended(child);
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (text: string) => (text.includes('settings') ? resolve() : undefined)),
    );
    child.kill('SIGKILL');
    // The server holds the pipes of the launcher: they are closed once it has ended.
    await run;
  });

  it('takes settings from a file, and prints them without secrets', async () => {
    await writeFile(join(scratch, 'kimera.yaml'), 'PORT: 3009\nKIMERA_API_KEYS: [hidden]\nHOST: 0.0.0.0\n');
    const words = ['serve', '--config', 'kimera.yaml', '--print-config'];
    const { code, stdout } = await kimera(words, scratch, '', { environment: { PORT: '3010' } });
    expect(code).toBe(0);
    // The environment counts before the file.
    for (const line of ['PORT: "3010"', 'HOST: "0.0.0.0"', 'KIMERA_API_KEYS: "(set)"'])
      expect(stdout.split('\n')).toContain(line);
    expect(stdout).not.toContain('hidden');
    await writeFile(join(scratch, 'wrong.yaml'), 'PROT: 1\n');
    const refused = await kimera(['serve', '--config', 'wrong.yaml'], scratch);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is it PORT?');
  });

  it.each([
    ['a port that is none', ['--port', 'http'], {}, 'PORT=http'],
    ['an address for everyone without a key', ['--host', '0.0.0.0'], {}, 'HOST=0.0.0.0'],
    ['another dimension than the model has', ['--port', '0'], { EMBEDDING_DIM: '1024' }, '1024'],
  ])('refuses %s', async (_what, words, environment, message) => {
    const { code, stderr } = await kimera(['serve', ...words], scratch, '', { environment });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^kimera: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});
