import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parseConfiguration, shippedModel } from '@kimera/serving';
import { rejection } from '@kimera/testing';
import { pino } from 'pino';
import { z } from 'zod';
import { startServer, type RunningServer } from './server.js';

const LIGHT = 'kimera/all-MiniLM-L6-v2-static';
/** Opens fast; MiniLM is there where the size matters, or that it ships. */
const BESIDE = 'fixture/bert-tiny-prompts';
const MINILM = 'sentence-transformers/all-MiniLM-L6-v2';
const fixture = (name: string): URL => new URL(`../../../fixtures/models/${name}`, import.meta.url);
let root: string;
let beside: string;
const running: RunningServer[] = [];
const lines: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kimera-models-'));
  beside = join(root, 'beside');
  await cp(fixture('bert-tiny-prompts'), beside, { recursive: true });
  await symlink(shippedModel('all-MiniLM-L6-v2'), join(root, 'minilm'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
  lines.length = 0;
});
afterAll(() => rm(root, { recursive: true }));

async function start(environment: Record<string, string>): Promise<RunningServer> {
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const server = await startServer(
    parseConfiguration({ LIGHTWEIGHT_EMBEDDING: '1', PORT: '0', ...environment }, root),
    logger,
  );
  running.push(server);
  return server;
}

async function embed({ url }: RunningServer, model: string) {
  const response = await fetch(`${url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, input: 'a cat' }),
  });
  return {
    status: response.status,
    space: response.headers.get('x-embedding-space'),
    retryAfter: response.headers.get('retry-after'),
    body: await response.text(),
  };
}

const listSchema = z.object({ data: z.array(z.object({ id: z.string(), embedding_space: z.string() })) });
const opened = (): number => lines.filter((line) => line.includes('"opening ')).length;

/** Until it is so, looked at every 50 ms. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it never became so: ${lines.filter((line) => !line.includes('"request"')).join('')}`);
}

describe('several models', () => {
  it('of a folder that was replaced before its model was opened: nothing of the new space comes under the old name', async () => {
    const folder = join(root, 'unopened');
    await cp(fixture('bert-tiny-prompts'), folder, { recursive: true });
    const server = await start({ KIMERA_MODELS: './unopened' });
    await rename(folder, `${folder}-before`);
    await cp(fixture('bge-m3-tiny'), folder, { recursive: true });
    expect(await embed(server, 'fixture/bert-tiny-prompts')).toMatchObject({
      status: 503,
      space: null,
      body: expect.stringContaining('no model of space 16a6c1363b21'),
    });
  });

  it('of a folder that is gone: another folder of the same space serves', async () => {
    const folder = join(root, 'gone');
    await symlink(shippedModel('all-MiniLM-L6-v2'), folder);
    const server = await start({ KIMERA_MODELS: './gone' });
    await rm(folder);
    expect(await embed(server, MINILM)).toMatchObject({
      status: 200,
      space: expect.stringMatching(/^ae19e978918d/),
    });
  });

  it('are listed at once, opened when they are asked for, by id, short name and alias, and never mixed', async () => {
    const server = await start({
      KIMERA_MODELS: './beside',
      KIMERA_MODEL_ALIASES: `text-embedding-3-small=${BESIDE}, small=${LIGHT}`,
    });
    const list = listSchema.parse(await (await fetch(`${server.url}/v1/models`)).json()).data;
    expect(list.map(({ id }) => id)).toEqual([LIGHT, BESIDE]);
    expect(opened()).toBe(0);
    const answers = await Promise.all(
      [BESIDE, 'bert-tiny-prompts', 'text-embedding-3-small'].map((name) => embed(server, name)),
    );
    for (const { status, space } of answers) expect([status, space]).toEqual([200, list[1]?.embedding_space]);
    expect(opened()).toBe(1);
    for (const name of [LIGHT, 'small']) expect((await embed(server, name)).space).toBe(list[0]?.embedding_space);
    const unknown = await embed(server, 'nothing');
    expect(unknown.status).toBe(404);
    for (const name of [LIGHT, BESIDE, 'text-embedding-3-small', 'small']) expect(unknown.body).toContain(name);
  });

  it('are opened before the server listens where that is asked for', async () => {
    await start({ KIMERA_MODELS: './beside', KIMERA_PRELOAD: 'bert-tiny-prompts' });
    const listening = lines.findIndex((line) => line.includes('listening on'));
    expect(lines.findIndex((line) => line.includes('"opening '))).toBeLessThan(listening);
    expect(opened()).toBe(1);
  });

  it.each([
    [{ KIMERA_PRELOAD: 'nothing' }, 'INVALID_ENVIRONMENT'],
    [{ KIMERA_MODEL_ALIASES: 'a=nothing' }, 'MODEL_ALIAS'],
    [{ KIMERA_MODEL_ALIASES: `${BESIDE}=${LIGHT}` }, 'MODEL_ALIAS'],
    [{ KIMERA_MODEL_ALIASES: `a=b,b=${LIGHT}` }, 'MODEL_ALIAS'],
    [{ KIMERA_MODELS: './beside,./beside' }, 'MODEL_NAMES'],
    [{ KIMERA_MODELS: './nothing' }, 'MODEL_FOLDER_NOT_FOUND'],
  ])('stop the start where %j is wrong', async (environment, code) => {
    expect(await rejection(() => start({ KIMERA_MODELS: './beside', ...environment }))).toMatchObject({ code });
  });

  it('are closed when nobody asks for them, and opened again', async () => {
    const server = await start({ KIMERA_MODELS: './beside', MODEL_IDLE_SECONDS: '0.1' });
    expect((await embed(server, BESIDE)).status).toBe(200);
    await until(async () => !(await openIn(server)).includes(BESIDE));
    expect((await embed(server, BESIDE)).status).toBe(200);
    expect(opened()).toBe(2);
  });

  it('are refused where the memory for models is too small', async () => {
    const server = await start({ KIMERA_MODELS: './minilm', MODEL_MEMORY_MB: '1' });
    const { status, body } = await embed(server, MINILM);
    expect(status).toBe(503);
    expect(body).toMatch(/needs \d+ MB, MODEL_MEMORY_MB allows 1 MB/);
  });
});

/** The models that are open, by the spaces that the server tells. */
async function openIn({ url }: RunningServer): Promise<readonly string[]> {
  const { data } = z
    .object({ data: z.array(z.object({ model: z.string() })) })
    .parse(await (await fetch(`${url}/v1/spaces`)).json());
  return data.map(({ model }) => model);
}

describe('a folder that changes', () => {
  /** As a conversion would: in one step. */
  async function change(folder: string, edit: (json: string) => string): Promise<void> {
    const path = join(folder, 'space.json');
    await writeFile(`${path}.new`, edit(await readFile(path, 'utf8')));
    await rename(`${path}.new`, path);
  }

  /** Asks again and again until `work` is done. @returns how many answers there were, and how many were not as before. */
  async function whileAsking(
    server: RunningServer,
    model: string,
    work: () => Promise<void>,
  ): Promise<[number, number]> {
    const before = await embed(server, model);
    let [answers, wrong] = [0, 0];
    const over = new AbortController();
    const asking = (async () => {
      while (!over.signal.aborted) {
        const { status, space } = await embed(server, model);
        answers++;
        if (status !== 200 || space !== before.space) wrong++;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await work().finally(() => over.abort());
    await asking;
    return [answers, wrong];
  }
  const serves = (): boolean => lines.some((line) => line.includes('has changed and serves, the same space'));

  it('of a model beside the one that the server is for serves once it is opened', async () => {
    const server = await start({ MODEL_RELOAD: 'same-space', KIMERA_MODELS: './beside' });
    const [answers, wrong] = await whileAsking(server, BESIDE, async () => {
      await change(beside, (json) => `${json.trimEnd()}\n\n`);
      await until(serves);
    });
    expect(answers).toBeGreaterThan(10);
    expect(wrong).toBe(0);
  });

  it('of the model that the server is for serves where its probes hold, and not where they do not', async () => {
    const folder = join(root, 'changing');
    await cp(shippedModel('static-minilm'), folder, { recursive: true });
    const server = await start({ MODEL_RELOAD: 'same-space', LIGHT_MODEL_PATH: folder });
    const [answers, wrong] = await whileAsking(server, LIGHT, async () => {
      await change(folder, (json) => `${json.trimEnd()}\n\n`);
      await until(serves);
      // The first number of a probe's vector becomes 2 or more.
      await change(folder, (json) => json.replace(/("dense": ?").{5}/, '$1AAAAQ'));
      await until(() =>
        lines.some((line) => line.includes('PROBE') && line.includes('has changed and does not serve')),
      );
    });
    expect(answers).toBeGreaterThan(10);
    expect(wrong).toBe(0);
  });

  it('into another space is refused, and the model from before serves', async () => {
    const folder = join(root, 'replaced');
    await cp(shippedModel('static-minilm'), folder, { recursive: true });
    const server = await start({ MODEL_RELOAD: 'same-space', LIGHT_MODEL_PATH: folder });
    const { space } = await embed(server, LIGHT);
    await rename(folder, `${folder}-before`);
    await cp(fixture('bert-tiny-prompts'), folder, { recursive: true });
    await until(() => lines.some((line) => line.includes('RELOADED_SPACE')));
    expect(await embed(server, LIGHT)).toMatchObject({ status: 200, space });
  });

  it('into another space is taken where that is allowed, under the name of the new one', async () => {
    const folder = join(root, 'moved');
    await cp(shippedModel('static-minilm'), folder, { recursive: true });
    const server = await start({ MODEL_RELOAD: 'any-space', LIGHT_MODEL_PATH: folder });
    await rename(folder, `${folder}-before`);
    await cp(fixture('bert-tiny-prompts'), folder, { recursive: true });
    await until(() => lines.some((line) => line.includes('serves another space')));
    expect((await embed(server, BESIDE)).status).toBe(200);
    expect((await embed(server, LIGHT)).status).toBe(404);
  });
});
