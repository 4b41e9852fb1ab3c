import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, truncate } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const main = join(fileURLToPath(import.meta.url), '../../dist/main.js');
/** Opens fast. */
const SMALL_MODEL = join(root, 'fixtures/models/bert-tiny-prompts');
/** pino's level. */
const ERROR = 50;
const vectorsSchema = z.array(z.array(z.number()));

describe('the process', () => {
  const start = (environment: Record<string, string>): ChildProcess =>
    spawn(process.execPath, [main], {
      cwd: join(main, '../..'),
      env: { ...process.env, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const output = (child: ChildProcess): { text: string } => {
    const collected = { text: '' };
    child.stdout?.on('data', (chunk: Buffer) => (collected.text += chunk.toString()));
    return collected;
  };
  const listening = async (child: ChildProcess, log: { readonly text: string }): Promise<string> => {
    for (;;) {
      const url = /listening on (http:\/\/[^"]+)/.exec(log.text)?.[1];
      if (url !== undefined) return url;
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${log.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('answers accepted requests on SIGTERM, twice given, and ends with 0', async () => {
    const child = start({});
    const log = output(child);
    const url = await listening(child, log);
    const inputs = Array.from({ length: 256 }, (_, i) => `word ${i} `.repeat(80));
    const long = fetch(`${url}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs, truncate: true }),
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await fetch(`${url}/health`)).status).toBe(200);
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    expect(vectorsSchema.parse(await (await long).json()).length).toBe(256);
    const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
    expect(code).toBe(0);
  });

  it.each([
    [{ EMBEDDING_DIM: '1024' }, ['DIMENSION_MISMATCH', '1024', '384']],
    [{ ONNX_MODEL_PATH: './no/such/model' }, ['MODEL_FOLDER_NOT_FOUND', 'no/such/model']],
    [{ PORT: 'http' }, ['INVALID_ENVIRONMENT', 'PORT=http']],
  ])('does not start with %j, and says why', async (environment, words) => {
    const child = start(environment);
    const log = output(child);
    const [code] = await once(child, 'close');
    expect(code).toBe(1);
    for (const word of words) expect(log.text).toContain(word);
  });

  it('ends at once with 1 on a signal long after the first, whatever keeps it', async () => {
    const child = start({ ONNX_MODEL_PATH: SMALL_MODEL });
    const log = output(child);
    const { hostname, port } = new URL(await listening(child, log));
    const client = connect(Number(port), hostname).on('error', () => undefined);
    client.write(
      'POST /embed HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\nhalf',
    );
    await once(client, 'connect');
    child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(child.exitCode).toBe(null);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    client.destroy();
    expect(code).toBe(1);
  });

  it('does not start where something listens already, and says so in one line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = z.object({ port: z.int() }).parse(other.address()).port;
    const child = start({ ONNX_MODEL_PATH: SMALL_MODEL, PORT: String(port) });
    const log = output(child);
    const [code] = await once(child, 'close');
    other.close();
    expect(code).toBe(1);
    expect(
      log.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ level }) => level >= ERROR),
    ).toEqual([
      expect.objectContaining({
        code: 'ADDRESS',
        host: '127.0.0.1',
        port,
        msg: `cannot listen on 127.0.0.1, port ${port}: something listens there already`,
      }),
    ]);
    expect(log.text).not.toContain('stack');
  });

  it('does not start on truncated weights', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'kimera-api-'));
    await cp(join(root, 'models/all-MiniLM-L6-v2'), scratch, { recursive: true });
    await truncate(join(scratch, 'onnx/model.onnx_data'), 5_000);
    const child = start({ ONNX_MODEL_PATH: scratch });
    const log = output(child);
    const [code] = await once(child, 'close');
    await rm(scratch, { recursive: true });
    expect(code).toBe(1);
    expect(log.text).toContain('MODEL_FILE_SIZE');
  });
});
