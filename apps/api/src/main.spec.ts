import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { cp, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const main = join(fileURLToPath(import.meta.url), '../../dist/main.js');
/** Opens fast. */
const SMALL_MODEL = join(root, 'fixtures/models/bert-tiny-prompts');
/** pino's level. */
const ERROR = 50;
const vectorsSchema = z.array(z.array(z.number()));
const lineSchema = z.looseObject({ level: z.int(), msg: z.string() });
type Line = z.infer<typeof lineSchema>;

/** The process, and each line of its log from the first on. */
class ServerProcess {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  readonly #ended: Promise<number | null>;
  #more = (): void => undefined;

  constructor(environment: Record<string, string>, program: readonly string[] = [main]) {
    this.child = spawn(process.execPath, program, {
      cwd: join(main, '../..'),
      env: { ...process.env, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#ended = new Promise((resolve, reject) => this.child.once('error', reject).once('close', resolve));
    if (this.child.stdout !== null)
      createInterface(this.child.stdout).on('line', (line) => {
        this.lines.push(lineSchema.parse(JSON.parse(line)));
        this.#more();
      });
  }

  /** The exit code, once everything that the process wrote is in `lines`; null where a signal ended it. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** The first line whose message begins so. @throws where the process ends without it. */
  async line(beginning: string): Promise<Line> {
    for (;;) {
      const found = this.lines.find(({ msg }) => msg.startsWith(beginning));
      if (found !== undefined) return found;
      const more = new Promise<'more'>((resolve) => (this.#more = () => resolve('more')));
      if ((await Promise.race([more, this.#ended])) !== 'more')
        throw new Error(`the process ended without the line ${beginning}: ${this.text}`);
    }
  }

  async url(): Promise<string> {
    return z.string().parse((await this.line('listening on'))['url']);
  }

  get text(): string {
    return JSON.stringify(this.lines);
  }
}

/** Status and Connection of an answer; `refused` where nothing listens any more, and no new connection was to be expected. */
function ask(url: string, agent: Agent, isEnding: boolean): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(
      url,
      { agent, method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        response.resume();
        response.once('end', () => resolve(`${response.statusCode ?? 0} ${response.headers.connection ?? ''}`));
        response.once('error', (error) => resolve(error.message));
      },
    );
    asked.once('error', (error: NodeJS.ErrnoException) =>
      resolve(isEnding && error.code === 'ECONNREFUSED' ? 'refused' : error.message),
    );
    asked.end('{"inputs":"a text"}');
  });
}

describe('the process', () => {
  it('answers accepted requests on SIGTERM, twice given, and ends with 0', async () => {
    // Small batches: most of the request waits in the queue while the first ones run.
    const server = new ServerProcess({ EMBEDDING_BATCH_SIZE: '512' });
    const url = await server.url();
    const inputs = Array.from({ length: 32 }, (_, i) => `word ${i} `.repeat(80));
    const long = fetch(`${url}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs, truncate: true }),
    });
    while (!/^te_queue_size\{.*\} [1-9]/m.test(await (await fetch(`${url}/metrics`)).text()));
    expect((await fetch(`${url}/health`)).status).toBe(200);
    server.child.kill('SIGTERM');
    server.child.kill('SIGTERM');
    expect(vectorsSchema.parse(await (await long).json()).length).toBe(32);
    expect(await server.ended()).toBe(0);
  });

  it.each([
    [{ EMBEDDING_DIM: '1024' }, ['DIMENSION_MISMATCH', '1024', '384']],
    [{ ONNX_MODEL_PATH: './no/such/model' }, ['MODEL_FOLDER_NOT_FOUND', 'no/such/model']],
    [{ PORT: 'http' }, ['INVALID_ENVIRONMENT', 'PORT=http']],
  ])('does not start with %j, and says why', async (environment, words) => {
    const server = new ServerProcess(environment);
    expect(await server.ended()).toBe(1);
    for (const word of words) expect(server.text).toContain(word);
  });

  it('ends at once on a second signal, by it, also while it computes', async () => {
    const server = new ServerProcess({});
    const url = await server.url();
    const inputs = Array.from({ length: 512 }, (_, i) => `word ${i} `.repeat(80));
    const lost = fetch(`${url}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs, truncate: true }),
    }).catch(() => undefined);
    while (!/^te_queue_size\{.*\} [1-9]/m.test(await (await fetch(`${url}/metrics`)).text()));
    server.child.kill('SIGTERM');
    await server.line('shutting down');
    // Signals at once are one with the first: the first of those after it ends the process.
    const again = setInterval(() => server.child.kill('SIGINT'), 250);
    const code = await server.ended();
    clearInterval(again);
    await lost;
    expect([code, server.child.signalCode]).toEqual([null, 'SIGINT']);
    expect(server.lines.at(-1)?.msg).toBe('a second signal: ending at once');
  });

  it('answers every request of clients that keep their connections, says that it closes them, and ends with 0', async () => {
    const server = new ServerProcess({ ONNX_MODEL_PATH: SMALL_MODEL });
    const url = await server.url();
    const agent = new Agent({ keepAlive: true });
    const outcomes: string[] = [];
    let ending = false;
    const client = async (): Promise<void> => {
      for (;;) {
        const outcome = await ask(`${url}/embed`, agent, ending);
        outcomes.push(outcome);
        if (outcome !== '200 keep-alive') return;
      }
    };
    const clients = Array.from({ length: 16 }, client);
    while (outcomes.length < 200) await new Promise((resolve) => setTimeout(resolve, 10));
    ending = true;
    const asked = performance.now();
    server.child.kill('SIGTERM');
    expect(await server.ended()).toBe(0);
    await Promise.all(clients);
    agent.destroy();
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(outcomes.filter((outcome) => !/^(200 (close|keep-alive)|refused)$/.test(outcome))).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === '200 close').length).toBeGreaterThanOrEqual(16);
  });

  it('ends within its bound whatever its clients do, and tells those that wait', async () => {
    const server = new ServerProcess({ SHUTDOWN_SECONDS: '1' });
    const url = await server.url();
    const { hostname, port } = new URL(url);
    const half = connect(Number(port), hostname).on('error', () => undefined);
    half.write('POST /embed HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\nhalf');
    const inputs = Array.from({ length: 4_096 }, (_, i) => `word ${i} `.repeat(120));
    const long = fetch(`${url}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs, truncate: true }),
    });
    while (!/^te_queue_size\{.*\} [1-9]/m.test(await (await fetch(`${url}/metrics`)).text()));
    server.child.kill('SIGTERM');
    const answer = await long;
    expect([answer.status, answer.headers.get('connection')]).toEqual([503, 'close']);
    expect(await server.ended()).toBe(0);
    half.destroy();
  });

  describe('where the program that launched it has ended, which is no signal to it', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'kimera-launcher-'));
    const launcher = join(scratch, 'nx');
    beforeAll(() =>
      writeFile(
        launcher,
        `const { spawn } = require('node:child_process');
         spawn(process.execPath, [${JSON.stringify(main)}], { stdio: 'inherit' }).on('exit', (code) => process.exit(code));`,
      ),
    );
    afterAll(() => rm(scratch, { recursive: true }));

    it('ends', async () => {
      const server = new ServerProcess({ ONNX_MODEL_PATH: SMALL_MODEL }, [launcher, 'serve', 'api']);
      const url = await server.url();
      server.child.kill('SIGKILL');
      await server.line('the program that started the server has ended');
      await server.line('shutting down');
      while (
        await fetch(url).then(
          () => true,
          () => false,
        )
      )
        await new Promise((resolve) => setTimeout(resolve, 50));
    });

    it('ends too while it starts', async () => {
      const server = new ServerProcess({}, [launcher, 'serve', 'api']);
      await server.line('settings');
      server.child.kill('SIGKILL');
      // The log is a pipe that the server holds: it is closed once the server has ended.
      await server.ended();
      expect(server.text).toContain('the program that started the server has ended');
    });
  });

  it('does not start where something listens already, and says so in one line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = z.object({ port: z.int() }).parse(other.address()).port;
    const server = new ServerProcess({ ONNX_MODEL_PATH: SMALL_MODEL, PORT: String(port) });
    const code = await server.ended();
    other.close();
    expect(code).toBe(1);
    expect(server.lines.filter(({ level }) => level >= ERROR)).toEqual([
      expect.objectContaining({
        code: 'ADDRESS',
        host: '127.0.0.1',
        port,
        msg: `cannot listen on 127.0.0.1, port ${port}: something listens there already`,
      }),
    ]);
    expect(server.text).not.toContain('stack');
  });

  it('does not start on truncated weights', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'kimera-api-'));
    await cp(join(root, 'models/all-MiniLM-L6-v2'), scratch, { recursive: true });
    await truncate(join(scratch, 'onnx/model.onnx_data'), 5_000);
    const server = new ServerProcess({ ONNX_MODEL_PATH: scratch });
    const code = await server.ended();
    await rm(scratch, { recursive: true });
    expect(code).toBe(1);
    expect(server.text).toContain('MODEL_FILE_SIZE');
  });
});
