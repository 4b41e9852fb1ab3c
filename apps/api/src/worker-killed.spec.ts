import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { maxAbsDifference } from '@kimera/core';
import { float32 } from '@kimera/testing';
import { z } from 'zod';

const here = fileURLToPath(new URL('.', import.meta.url));
const CLIENTS = 8;
const TEXTS = ['a cat sits on the mat', 'the stock market fell', 'kittens', 'a short text about rivers and stones'];
const folder = mkdtempSync(join(tmpdir(), 'kimera-killed-'));
const faults = join(folder, 'faults');
const vectors = z.array(z.array(z.number()));

let server: ChildProcess;
let url = '';
beforeAll(async () => {
  writeFileSync(faults, '0');
  // Of the backend in WebAssembly few texts are asked: optimised code would take longer to make than they do.
  server = spawn(process.execPath, ['--liftoff-only', join(here, '../dist/main.js')], {
    cwd: join(here, '../../..'),
    env: {
      ...process.env,
      PORT: '0',
      ONNX_MODEL_PATH: 'fixtures/models/bert-tiny-prompts',
      EMBEDDING_CACHE_MB: '0',
      FAULTS_FILE: faults,
      NODE_OPTIONS: `--import=${pathToFileURL(join(here, 'dying-worker.fixture.mjs')).href}`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (server.stdout === null) throw new Error('the server has no log');
  for await (const line of createInterface(server.stdout)) {
    const found = z.object({ url: z.string() }).safeParse(JSON.parse(line));
    if (!found.success) continue;
    ({ url } = found.data);
    break;
  }
  server.stdout.resume();
});
afterAll(async () => {
  server.kill('SIGTERM');
  await once(server, 'exit');
  rmSync(folder, { recursive: true });
});

const post = (path: string, body: object): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const left = (): number => Number(readFileSync(faults, 'utf8'));
const embed = async (inputs: readonly string[]): Promise<readonly number[][]> => {
  const response = await post('/embed', { inputs });
  expect(response.status).toBe(200);
  return vectors.parse(await response.json());
};

describe('a thread of the model that ends under load', () => {
  it.each([
    ['once', 1],
    ['once it had computed', 2],
    ['again and again, until another backend serves', 6],
  ])('%s: every request is answered with its own vectors', async (_what, deaths) => {
    const expected = await embed(TEXTS);
    let [done, answered] = [false, 0];
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let turn = 0; !done; turn += 1) {
        const at = (client + turn) % TEXTS.length;
        // Singles, and requests of the bulk lane.
        const count = turn % 3 === 2 ? 12 : 1;
        const found = await embed(Array.from({ length: count }, (_unused, i) => TEXTS[(at + i) % TEXTS.length] ?? ''));
        answered += 1;
        for (const [i, vector] of found.entries())
          expect(maxAbsDifference(vector, expected[(at + i) % TEXTS.length] ?? [])).toBeLessThan(float32.maxAbs);
        expect(found.length).toBe(count);
      }
    });
    await pause(100);
    writeFileSync(faults, String(deaths));
    while (left() > 0) await Promise.race([pause(20), ...clients]);
    const before = answered;
    while (answered < before + 2 * CLIENTS) await Promise.race([pause(20), ...clients]);
    done = true;
    await Promise.all(clients);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});
