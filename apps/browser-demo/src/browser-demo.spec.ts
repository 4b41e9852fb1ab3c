import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openWasmBackend } from '@kimera/backend-wasm';
import { tokenBatch, type InferenceBackend } from '@kimera/core';
import { openEmbedder } from '@kimera/embedder';
import { openModelFolder } from '@kimera/model-folder';
import { checkClose, float32Runtime } from '@kimera/testing';
import type { Browser } from 'playwright-core';
import { z } from 'zod';
import { chromiumPath, launchChromium } from './chromium.js';
import { DemoPage } from './demo-page.js';
import { startDemoServer, type DemoServer } from './demo-server.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const modelPath = join(root, 'models/all-MiniLM-L6-v2');
const goldensSchema = z.object({ cases: z.array(z.object({ text: z.string(), input_ids: z.array(z.int()) })) });
const goldens = goldensSchema.parse(
  JSON.parse(readFileSync(join(root, 'fixtures/minilm/expected.json'), 'utf8')),
).cases;

it('WebAssembly in Node gives the vectors of the native backend', async () => {
  const folder = await openModelFolder(modelPath);
  const texts = tokenBatch(goldens.filter((_, i) => i % 3 === 0).map(({ input_ids }) => input_ids));
  const vectorsOf = async (opening: Promise<InferenceBackend>): Promise<Float32Array> => {
    const backend = await opening;
    const { dense = new Float32Array() } = await backend.run(texts, { heads: ['dense'] });
    await backend.close();
    return dense;
  };
  const [native, wasm] = [await vectorsOf(openOnnxBackend({ folder })), await vectorsOf(openWasmBackend({ folder }))];
  const { dimension } = folder.space;
  expect(native.length).toBe(40 * dimension);
  for (let at = 0; at < native.length; at += dimension)
    checkClose(
      wasm.subarray(at, at + dimension),
      native.subarray(at, at + dimension),
      float32Runtime,
      `text ${at / dimension}`,
    );
});

const executable = chromiumPath();
(executable === undefined ? describe.skip : describe)(
  executable === undefined ? 'a page (skipped: no Chromium on this machine; set CHROMIUM_PATH)' : 'a page',
  () => {
    let scratch = '';
    let server: DemoServer;
    let browser: Browser;
    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'kimera-browser-'));
      const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
      await promisify(execFile)(process.execPath, [vite, 'build', '--outDir', scratch, '--emptyOutDir'], {
        cwd: join(root, 'apps/browser-demo'),
      });
      server = await startDemoServer({ pagePath: scratch, modelPath, port: 0 });
      browser = await launchChromium(executable ?? '');
    });
    afterAll(async () => {
      await browser.close();
      await server.close();
      await rm(scratch, { recursive: true, force: true });
    });

    it('gives the vectors of the native backend with the space’s fingerprint, from its own server alone', async () => {
      const texts = goldens
        .map(({ text }) => text)
        .filter((text) => /^\S[^\r\n\0]{0,400}$/u.test(text))
        .slice(0, 20);
      const page = await browser.newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      const demo = new DemoPage(page, server.url);
      expect(await demo.open()).toContain('its probes hold');
      const { vectors, space, isolated } = await demo.embed(texts);
      expect(isolated).toBe(true);
      expect(asked.filter((url) => !url.startsWith(server.url))).toEqual([]);
      const native = await openEmbedder({
        modelPath,
        backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
      });
      const expected = await native.encodeBatch(texts);
      await native.close();
      expect(space).toBe(native.space.fingerprint);
      expect(vectors.length).toBe(20);
      expected.forEach(({ dense = [] }, i) => checkClose(vectors[i] ?? [], dense, float32Runtime, texts[i]));
      await page.close();
    });

    it('refuses a model whose files are not those that its space.json records', async () => {
      const page = await browser.newPage();
      await page.route('**/model/onnx/model_fast.onnx', async (route) => {
        const bytes = readFileSync(join(modelPath, 'onnx/model_fast.onnx'));
        bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
        await route.fulfill({ body: bytes });
      });
      expect(await new DemoPage(page, server.url).open()).toMatch(/^MODEL_FILE_HASH: .*model_fast\.onnx/);
      await page.close();
    });

    it('is served nothing from outside its folders', async () => {
      for (const path of ['..%2f..%2fpackage.json', 'model/..%2f..%2fpackage.json', 'nothing'])
        expect((await fetch(server.url + path)).status).toBe(404);
      expect((await fetch(`${server.url}embed`, { method: 'POST', body: '{' })).status).toBe(400);
    });
  },
);
