import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fetchModelFolder, openModelFolder } from './index.js';

const path = join(fileURLToPath(import.meta.url), '../../../../fixtures/models/bert-tiny-prompts');
/** What the server answers instead of a file. */
const instead = new Map<string, Uint8Array | undefined>();
let server: Server;
let url = '';

beforeAll(async () => {
  server = createServer((request, response) => {
    const name = (request.url ?? '').replace('/model/', '');
    const bytes = instead.has(name)
      ? Promise.resolve(instead.get(name))
      : readFile(join(path, name)).catch(() => undefined);
    void bytes.then((body) => response.writeHead(body === undefined ? 404 : 200).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/model`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('a folder on a web server is that on the disk, and its files are read with their hashes', async () => {
  const [fetched, opened] = [await fetchModelFolder(url), await openModelFolder(path)];
  expect(fetched).toMatchObject({ path: `${url}/`, space: opened.space, probes: opened.probes, file: opened.file });
  expect(
    Buffer.from(await fetched.read('onnx/model_fast.onnx')).equals(await readFile(join(path, 'onnx/model_fast.onnx'))),
  ).toBe(true);
});

it('a file that is absent, of another size or with other bytes is refused, and so is a name that nothing vouches for', async () => {
  const folder = await fetchModelFolder(`${url}/`);
  const config = await readFile(join(path, 'config.json'));
  const other = Uint8Array.from(config, (byte, i) => (i === 0 ? byte ^ 1 : byte));
  for (const [bytes, code] of [
    [undefined, 'MODEL_FILE_MISSING'],
    [config.subarray(1), 'MODEL_FILE_SIZE'],
    [other, 'MODEL_FILE_HASH'],
  ] as const) {
    instead.set('config.json', bytes);
    await expect(folder.read('config.json')).rejects.toMatchObject({
      code,
      message: expect.stringContaining('config.json'),
    });
  }
  instead.clear();
  await expect(folder.read('space.json')).rejects.toMatchObject({ code: 'MODEL_FILE_MISSING' });
});

it('a server without a model folder is named, and so is a space.json that breaks its schema', async () => {
  await expect(fetchModelFolder(url.replace('/model', '/nothing'))).rejects.toMatchObject({
    code: 'MODEL_FOLDER_NOT_FOUND',
  });
  instead.set('space.json', Buffer.from('{}'));
  await expect(fetchModelFolder(url)).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
  instead.clear();
});
