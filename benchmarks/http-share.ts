/**
 * How much of the bare session's speed arrives: in the library, and over HTTP with 1, 8 and 64 clients that each send one
 * text at a time? `npm run bench:http-share [-- ROUNDS]`. Texts of about 70 tokens, and of 5 to 250. Everything runs in
 * turns, each part in a process of its own, on one machine: what the clients' process takes is missing to the server, so
 * both are told.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openOnnxBackend, type PackedWeightsEvent } from '@kimera/backend-onnx';
import { openEmbedder } from '@kimera/embedder';
import { openModelFolder } from '@kimera/model-folder';
import { z } from 'zod';
import { fastGraphFeeds, InferenceSession } from './bare-session.js';
import { machineLines, percentile, root, table } from './machine.js';
import { metricsOf, startServerProcess } from './start-server.js';

const MODEL = join(root, 'models/all-MiniLM-L6-v2');
const SECONDS = 3;
/** The bare session's batch, of equal length: as fast as it gets. */
const BATCH = { texts: 32, tokens: 70 };
/** Texts of one call of the library. */
const LIBRARY_TEXTS = 256;
const CLIENTS = [1, 8, 64];
/** KIMERA_WORKERS: by load (empty), one session of all threads, and one a thread. */
const WORKERS = ['', '1', String(availableParallelism())];
/** Least and most words of a text; a word is a token here, and two are added. */
const KINDS = { '70 tokens': [64, 72], '5–250 tokens': [3, 248] } as const;
type Kind = keyof typeof KINDS;
const WORDS =
  'river stone music garden window bridge winter letter summer market engine forest silver copper paper'.split(' ');

const taskSchema = z.object({
  kind: z.enum(['70 tokens', '5–250 tokens']),
  seconds: z.number(),
  clients: z.number(),
  url: z.string(),
});
type Task = z.infer<typeof taskSchema>;
const resultSchema = z.object({
  tokens: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  milliseconds: z.array(z.number()),
});
type Result = z.infer<typeof resultSchema>;

let made = 0;
/** Lengths are spread evenly over the range, in an order without pattern; no two texts are the same. */
function freshText(kind: Kind): string {
  made += 1;
  const [least, most] = KINDS[kind];
  const words = least + Math.floor(((made * 0.618_033_988_75) % 1) * (most - least + 1));
  return Array.from({ length: words }, (_, i) => WORDS[(made * 7 + i * 3 + ((i * made) % 11)) % WORDS.length]).join(
    ' ',
  );
}

/** Repeats `turn`, which gives tokens, for so many seconds. */
async function repeat(seconds: number, turn: () => Promise<number>, times: number[] = []): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  let tokens = 0;
  while (performance.now() < until) {
    const started = performance.now();
    tokens += await turn();
    times.push(performance.now() - started);
  }
  return tokens;
}

async function openBareSession(): Promise<(task: Task) => Promise<number>> {
  const session = await InferenceSession.create(join(MODEL, 'onnx/model_fast.onnx'), {
    logSeverityLevel: 3,
    graphOptimizationLevel: 'basic',
    intraOpNumThreads: availableParallelism(),
    enableMemPattern: false,
  });
  const { texts, tokens } = BATCH;
  const ids = Array.from({ length: texts * tokens }, (_, i) => 2_000 + ((i * 7_919) % 20_000));
  const feeds = fastGraphFeeds(ids, texts, tokens);
  return ({ seconds }) =>
    repeat(seconds, async () => {
      await session.run(feeds, ['dense']);
      return texts * tokens;
    });
}

async function openLibrary(): Promise<(task: Task) => Promise<number>> {
  const embedder = await openEmbedder({
    modelPath: MODEL,
    backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
  });
  return ({ kind, seconds }) =>
    repeat(seconds, async () => {
      const texts = Array.from({ length: LIBRARY_TEXTS }, () => freshText(kind));
      const embeddings = await embedder.encodeBatch(texts, { lane: 'bulk' });
      return embeddings.reduce((sum, { tokens }) => sum + tokens, 0);
    });
}

function openClients(): Promise<(task: Task, times: number[]) => Promise<number>> {
  const agent = new Agent({ keepAlive: true });
  return Promise.resolve(async ({ kind, seconds, clients, url }, times) => {
    const counts = await Promise.all(
      Array.from({ length: clients }, () =>
        repeat(seconds, () => embedOverHttp(agent, `${url}/v1/embeddings`, freshText(kind)), times),
      ),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  });
}

/** @returns the tokens of the text, as the server counts them. The vectors are read, not parsed. */
function embedOverHttp(agent: Agent, url: string, input: string): Promise<number> {
  const body = JSON.stringify({ model: 'all-MiniLM-L6-v2', input, encoding_format: 'base64' });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    request(url, { agent, method: 'POST', headers }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () =>
        response.statusCode === 200
          ? resolve(Number(response.headers['x-compute-tokens']))
          : reject(new Error(`an embedding got ${response.statusCode}`)),
      );
    })
      .once('error', reject)
      .end(body);
  });
}

const ROLES = { 'bare session': openBareSession, library: openLibrary, clients: openClients };
type Role = keyof typeof ROLES;

/** Serves tasks of the parent, one after the other. */
async function serve(role: Role): Promise<void> {
  const run = await ROLES[role]();
  process.on('message', (message) => {
    const task = taskSchema.parse(message);
    const milliseconds: number[] = [];
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    void run(task, milliseconds).then((tokens) => {
      const { user, system } = process.cpuUsage(cpu);
      const seconds = (performance.now() - started) / 1_000;
      const result: Result = { tokens, seconds, cpuSeconds: (user + system) / 1e6, milliseconds };
      process.send?.(result);
    });
  });
  process.send?.('ready');
}

class Part {
  private constructor(private readonly child: ChildProcess) {}

  static async start(role: Role): Promise<Part> {
    const child = fork(fileURLToPath(import.meta.url), [role], { cwd: root, execArgv: ['--import', 'tsx'] });
    await once(child, 'message');
    return new Part(child);
  }

  /** @throws where its process ends. */
  async run(task: Task): Promise<Result> {
    const answered = new AbortController();
    const { signal } = answered;
    this.child.send(task);
    try {
      const [message] = (await Promise.race([
        once(this.child, 'message', { signal }),
        once(this.child, 'exit', { signal }).then(() => {
          throw new Error('a part ended while it was measured');
        }),
      ])) as unknown[];
      return resultSchema.parse(message);
    } finally {
      answered.abort();
    }
  }

  stop(): void {
    this.child.kill();
  }
}

/** Every server then starts with packed weights. */
async function packWeights(cache: string): Promise<void> {
  const folder = await openModelFolder(MODEL);
  const told = new EventEmitter();
  const event = once(told, 'event');
  const onEvent = (one: PackedWeightsEvent): void => void told.emit('event', one);
  const backend = await openOnnxBackend({ folder, packedWeights: { cache, afterMilliseconds: 0, onEvent } });
  console.error(...((await event) as unknown[]));
  await backend.close();
}

/** Of one case, a value a round. */
interface Measured {
  readonly tokensPerSecond: number[];
  /** Of the bare session in the same round. */
  readonly share: number[];
  readonly p50: number[];
  readonly serverCpu: number[];
  readonly clientCpu: number[];
  readonly loopP99: number[];
}

async function measure(rounds: number): Promise<void> {
  const [bare, library, clients] = await Promise.all([
    Part.start('bare session'),
    Part.start('library'),
    Part.start('clients'),
  ]);
  const cache = await mkdtemp(join(tmpdir(), 'kimera-http-share-'));
  await packWeights(cache);
  const servers = await Promise.all(
    WORKERS.map(async (workers) => ({
      workers: workers === '' ? 'by load' : workers,
      server: await startServerProcess({
        EMBEDDING_CACHE_MB: '0',
        KIMERA_CACHE: cache,
        KIMERA_WORKERS: workers,
        // As the bare session.
        KIMERA_VARIANT: 'full',
      }),
    })),
  );
  const results = new Map<string, Measured>();
  try {
    for (let round = -1; round < rounds; round++)
      for (const kind of Object.keys(KINDS) as Kind[]) {
        const task: Task = { kind, seconds: round < 0 ? 1 : SECONDS, clients: 1, url: '' };
        const reference = await bare.run(task);
        const full = reference.tokens / reference.seconds;
        const note = (name: string, result: Result, more: Partial<Record<keyof Measured, number>> = {}): void => {
          if (round < 0) return;
          const key = `${kind} | ${name}`;
          const measured = results.get(key) ?? {
            tokensPerSecond: [],
            share: [],
            p50: [],
            serverCpu: [],
            clientCpu: [],
            loopP99: [],
          };
          results.set(key, measured);
          const speed = result.tokens / result.seconds;
          measured.tokensPerSecond.push(speed);
          measured.share.push(speed / full);
          measured.p50.push(percentile(result.milliseconds, 0.5));
          for (const [name_, value] of Object.entries(more)) measured[name_ as keyof Measured].push(value);
        };
        note(`bare session, ${BATCH.texts} × ${BATCH.tokens}`, reference);
        note(`library, ${LIBRARY_TEXTS} texts a call`, await library.run(task));
        for (const count of CLIENTS)
          for (const { workers, server } of servers) {
            const before = await metricsOf(server.url);
            const result = await clients.run({ ...task, clients: count, url: server.url });
            const after = await metricsOf(server.url);
            const cpu = 'kimera_process_cpu_seconds_total';
            note(`HTTP, ${count} client${count === 1 ? '' : 's'}, KIMERA_WORKERS=${workers}`, result, {
              serverCpu: (after(cpu) - before(cpu)) / result.seconds,
              clientCpu: result.cpuSeconds / result.seconds,
              loopP99: 1_000 * after('kimera_nodejs_eventloop_lag_p99_seconds'),
            });
          }
      }
  } finally {
    for (const part of [bare, library, clients]) part.stop();
    await Promise.all(servers.map(({ server }) => server.stop()));
    await rm(cache, { recursive: true });
  }
  const median = (values: readonly number[], digits: number): string =>
    values.length === 0 || values.some(Number.isNaN) ? '' : percentile(values, 0.5).toFixed(digits);
  const rows = [...results].map(([key, { tokensPerSecond, share, p50, serverCpu, clientCpu, loopP99 }]) => {
    const [kind = '', name = ''] = key.split(' | ');
    const isHttp = serverCpu.length > 0;
    return [
      kind,
      name,
      median(tokensPerSecond, 0),
      median(share, 2),
      `${Math.min(...share).toFixed(2)}–${Math.max(...share).toFixed(2)}`,
      isHttp ? median(p50, 1) : '',
      median(serverCpu, 2),
      median(clientCpu, 2),
      median(loopP99, 1),
    ];
  });
  console.log(`# Share of the bare session's speed that arrives\n\n${machineLines().join('\n')}`);
  console.log(
    `- medians of ${rounds} rounds of ${SECONDS} s; all-MiniLM-L6-v2, the variant that ships; base64 answers\n`,
  );
  console.log(
    table(
      [
        'texts',
        'what',
        'tokens/s',
        'share',
        'least–most',
        'p50, ms',
        'server, cores',
        'clients, cores',
        'loop p99, ms',
      ],
      rows,
    ),
  );
}

const [, , role] = process.argv;
if (role === 'bare session' || role === 'library' || role === 'clients') await serve(role);
else await measure(Number(role ?? 5));
