import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cosine } from '@kimera/core';
import { decodeVector } from '@kimera/model-folder';
import { z } from 'zod';
import { percentile, root } from '../machine.js';
import { metricsOf, type ServerProcess, startServerProcess } from '../start-server.js';
import { type Answer, call, freshText } from './client.js';

/** One line of the result: what was asked for, what came, whether it holds. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  readonly holds: boolean;
}

export type ServiceCase = () => Promise<readonly Finding[]>;

const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;

/** The work of one server, which is stopped whatever happens. */
async function withServer<T>(
  environment: Readonly<Record<string, string>>,
  work: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await startServerProcess(environment);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** One call after another until `until`; errors end it. */
async function inTurns(until: () => boolean, turn: () => Promise<unknown>): Promise<void> {
  while (!until()) await turn();
}

const tokensPerSecond = async (url: string, seconds: number): Promise<number> => {
  const before = (await metricsOf(url))('kimera_tokens');
  const started = performance.now();
  await pause(seconds * 1000);
  return ((await metricsOf(url))('kimera_tokens') - before) / ((performance.now() - started) / 1000);
};

const BULK_CLIENTS = 4;
const BULK_TEXTS = 2_048;
const SINGLE_P50 = 100;
const SINGLE_P99 = 300;

/** A single text beside clients that send 2,048 texts a request, each as fast as it is answered. */
export const besideBulk: ServiceCase = () =>
  withServer({ EMBEDDING_CACHE_MB: '0' }, async ({ url }) => {
    let done = false;
    let refused = 0;
    const bulk = Array.from({ length: BULK_CLIENTS }, () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      return inTurns(
        () => done,
        async () => {
          const input = Array.from({ length: BULK_TEXTS }, () => freshText());
          const { status, headers } = await call(agent, `${url}/v1/embeddings`, { model: 'all-MiniLM-L6-v2', input });
          if (status === 429) {
            refused += 1;
            await pause(1000 * Number(headers['retry-after']));
          } else if (status !== 200) throw new Error(`a batch got ${status}`);
        },
      ).finally(() => agent.destroy());
    });
    await pause(5_000);
    const alone = await tokensPerSecond(url, 15);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const times: number[] = [];
    const singles = inTurns(
      () => done,
      async () => {
        const answer = await call(agent, `${url}/v1/embeddings`, { model: 'all-MiniLM-L6-v2', input: freshText() });
        if (answer.status !== 200) throw new Error(`a single text got ${answer.status}`);
        times.push(answer.milliseconds);
        await pause(100);
      },
    );
    await pause(2_000);
    times.length = 0;
    const beside = await tokensPerSecond(url, 30);
    done = true;
    await Promise.all([singles, ...bulk]);
    agent.destroy();
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
    const share = beside / alone;
    return [
      finding(
        `single text beside ${BULK_CLIENTS} × ${BULK_TEXTS}, p50 of ${times.length}`,
        milliseconds(p50),
        `≤ ${SINGLE_P50} ms`,
        p50 <= SINGLE_P50,
      ),
      finding('the same, p99', milliseconds(p99), `≤ ${SINGLE_P99} ms`, p99 <= SINGLE_P99),
      finding(
        `all work beside it, of bulk alone (${alone.toFixed(0)} tokens/s)`,
        share.toFixed(2),
        '≥ 0.85',
        share >= 0.85,
      ),
      finding('batches that were refused and came again', String(refused), '', true),
    ];
  });

const QUEUE_SECONDS = 5;
const OVERLOAD = 10;

/** Ten times as many requests as the server can do, for 30 s; then its full speed. */
export const overload: ServiceCase = () =>
  withServer({ EMBEDDING_CACHE_MB: '0', MAX_QUEUE_SECONDS: String(QUEUE_SECONDS) }, async ({ url }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 4_000 });
    const ask = (): Promise<Answer> =>
      call(agent, `${url}/v1/embeddings`, { model: 'all-MiniLM-L6-v2', input: freshText(60) });
    const capacity = async (seconds: number): Promise<number> => {
      let [answered, done] = [0, false];
      const clients = Array.from({ length: 32 }, () =>
        inTurns(
          () => done,
          async () => {
            const { status, headers } = await ask();
            if (status === 200) answered += 1;
            else await pause(1000 * Number(headers['retry-after'] ?? 1));
          },
        ),
      );
      await pause(seconds * 1000);
      done = true;
      const count = answered;
      await Promise.all(clients);
      return count / seconds;
    };
    await capacity(3);
    const before = await capacity(8);
    const answers: Answer[] = [];
    const failed: string[] = [];
    const open: Promise<void>[] = [];
    const [started, seconds] = [performance.now(), 30];
    let sent = 0;
    while (performance.now() - started < seconds * 1000) {
      const due = ((performance.now() - started) / 1000) * before * OVERLOAD;
      for (; sent < due; sent += 1)
        open.push(
          ask().then(
            (answer) => void answers.push(answer),
            (error: unknown) => void failed.push(String(error)),
          ),
        );
      await pause(5);
    }
    await Promise.all(open);
    await pause(Math.max(0, started + (seconds + 5) * 1000 - performance.now()));
    const after = await capacity(8);
    agent.destroy();
    const accepted = answers.filter(({ status }) => status === 200).map((answer) => answer.milliseconds);
    const refusals = answers.filter(({ status }) => status === 429);
    const bare = refusals.filter(({ headers }) => !(Number(headers['retry-after']) >= 1)).length;
    const others = answers.length - accepted.length - refusals.length;
    const p95 = percentile(accepted, 0.95);
    return [
      finding(
        `${sent} requests in ${seconds} s at ${OVERLOAD} × ${before.toFixed(0)} a second: 200 / 429`,
        `${accepted.length} / ${refusals.length}`,
        'some 429',
        refusals.length > 0,
      ),
      finding('429 without Retry-After', String(bare), '0', bare === 0),
      finding(
        'other statuses, cut connections',
        `${others}, ${failed.length}`,
        '0, 0',
        others === 0 && failed.length === 0,
      ),
      finding(
        `p95 of accepted ones (MAX_QUEUE_SECONDS ${QUEUE_SECONDS})`,
        `${(p95 / 1000).toFixed(1)} s`,
        `≤ ${QUEUE_SECONDS + 1} s`,
        p95 <= (QUEUE_SECONDS + 1) * 1000,
      ),
      finding('speed 5 s later, of the one before', (after / before).toFixed(2), '≥ 0.9', after / before >= 0.9),
    ];
  });

const IDLE_CONNECTIONS = 200;

/** Requests on connections that a relay kept open for 5 to 65 s without one. */
export const idleConnections: ServiceCase = () =>
  withServer({}, async ({ url }) => {
    const { hostname, port } = new URL(url);
    const relay = createServer((near) => {
      const far = connect(Number(port), hostname);
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => [near, far].map((each) => each.destroy()));
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const through = `http://127.0.0.1:${(relay.address() as AddressInfo).port}/v1/embeddings`;
    const body = { model: 'all-MiniLM-L6-v2', input: 'the same text' };
    const lost: string[] = [];
    let again = 0;
    await Promise.all(
      Array.from({ length: IDLE_CONNECTIONS }, async (_, i) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          await call(agent, through, body);
          await pause(5_000 + (60_000 * i) / (IDLE_CONNECTIONS - 1));
          const { status, reused } = await call(agent, through, body);
          if (status !== 200) lost.push(String(status));
          if (reused) again += 1;
        } catch (error) {
          lost.push(String(error));
        } finally {
          agent.destroy();
        }
      }),
    );
    relay.close();
    return [
      finding(
        `requests on connections idle for 5 to 65 s, lost of ${IDLE_CONNECTIONS}`,
        String(lost.length),
        '0',
        lost.length === 0,
      ),
      finding(
        'of them on the connection they had',
        String(again),
        String(IDLE_CONNECTIONS),
        again === IDLE_CONNECTIONS,
      ),
    ];
  });

/** SIGTERM while 32 clients send one request after the other on connections that they keep. */
export const sigterm: ServiceCase = async () => {
  const server = await startServerProcess({ EMBEDDING_CACHE_MB: '0' });
  const lost: string[] = [];
  let [answered, refused, afterwards, kept] = [0, 0, 0, 0];
  let signalled = 0;
  const clients = Array.from({ length: 32 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (;;) {
      try {
        const { status, headers } = await call(agent, `${server.url}/v1/embeddings`, {
          model: 'all-MiniLM-L6-v2',
          input: freshText(40),
        });
        if (status === 200) answered += 1;
        else refused += 1;
        if (signalled > 0) {
          afterwards += 1;
          if (headers.connection !== 'close') kept += 1;
        }
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ECONNREFUSED') break;
        lost.push(code ?? String(error));
        if (lost.length > 1_000) break;
      }
    }
    agent.destroy();
  });
  await pause(3_000);
  signalled = performance.now();
  server.signal('SIGTERM');
  const how = await server.ended;
  const seconds = (performance.now() - signalled) / 1000;
  await Promise.all(clients);
  return [
    finding('accepted requests without an answer', String(lost.length), '0', lost.length === 0),
    finding(
      `answers: 200 / other; after the signal; of these kept open`,
      `${answered} / ${refused}; ${afterwards}; ${kept}`,
      'some after, few open',
      afterwards > 0,
    ),
    finding('exit code and seconds after the signal', `${how}, ${seconds.toFixed(1)} s`, '0', how === 0),
  ];
};

const MIXED_CLIENTS = 64;
const MIXED_SECONDS = 180;
const LEAST_COSINE = 0.9999;
const goldens = z
  .object({ cases: z.array(z.object({ text: z.string(), embedding: z.string(), truncated: z.boolean() })) })
  .parse(JSON.parse(readFileSync(join(root, 'fixtures/minilm/expected.json'), 'utf8')))
  .cases.filter(({ text, truncated }) => !truncated && text !== '')
  .map(({ text, embedding }) => ({ text, vector: decodeVector(embedding) }));
const MALFORMED = [
  '{"input": [',
  '{}',
  '[]',
  '{"model": "all-MiniLM-L6-v2", "input": [1.5]}',
  '{"model": "none", "input": "a"}',
  'x',
];

/**
 * Clients of both contracts, singles and batches, floats and base64; one request in twenty is malformed, one in twenty is cut
 * off. Each vector is compared with that of sentence-transformers (fixtures/minilm).
 */
export const mixed: ServiceCase = () =>
  withServer({ EMBEDDING_CACHE_MB: '0' }, async ({ url, pid }) => {
    const started = performance.now();
    const isOver = (): boolean => performance.now() - started > MIXED_SECONDS * 1000;
    let [vectors, wrong, cut, malformed] = [0, 0, 0, 0];
    const statuses = new Map<number, number>();
    const failed: string[] = [];
    const check = (vector: ArrayLike<number>, expected: ArrayLike<number>): void => {
      vectors += 1;
      if (!(cosine(Float32Array.from(vector), Float32Array.from(expected)) >= LEAST_COSINE)) wrong += 1;
    };
    await metricsOf(url);
    const clients = Array.from({ length: MIXED_CLIENTS }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      let turn = client;
      await inTurns(isOver, async () => {
        turn += 1;
        const some = Array.from(
          { length: turn % 3 === 0 ? 1 + (turn % 13) : 1 },
          (_unused, i) => goldens[(turn * 17 + client * 5 + i) % goldens.length],
        ).filter((golden) => golden !== undefined);
        const texts = some.map(({ text }) => text);
        const openai = turn % 2 === 0;
        const base64 = turn % 4 === 0;
        const path = `${url}${openai ? '/v1/embeddings' : '/embed'}`;
        const body = openai
          ? { model: 'all-MiniLM-L6-v2', input: texts, encoding_format: base64 ? 'base64' : 'float' }
          : { inputs: texts };
        if (turn % 20 === 7) {
          cut += 1;
          await cutOff(path, JSON.stringify(body), turn % 40 === 7);
          return;
        }
        const isMalformed = turn % 20 === 13;
        try {
          const answer = await call(agent, path, isMalformed ? MALFORMED[turn % MALFORMED.length] : body);
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          if (isMalformed) {
            malformed += 1;
            if (answer.status < 400 || answer.status >= 500) failed.push(`malformed: ${answer.status}`);
          } else if (answer.status === 200) {
            const rows = openai
              ? openaiAnswer
                  .parse(JSON.parse(answer.body))
                  .data.map(({ embedding }) => (typeof embedding === 'string' ? decodeVector(embedding) : embedding))
              : teiAnswer.parse(JSON.parse(answer.body));
            if (rows.length !== some.length) failed.push(`${rows.length} vectors for ${some.length} texts`);
            rows.forEach((row, i) => check(row, some[i]?.vector ?? []));
          } else if (answer.status === 429) await pause(1000 * Number(answer.headers['retry-after']));
          else failed.push(`status ${answer.status}`);
        } catch (error) {
          failed.push(String(error));
        }
      });
      agent.destroy();
    });
    const health: number[] = [];
    const poll = inTurns(isOver, async () => {
      health.push((await call(pollAgent, `${url}/health`)).milliseconds);
      await pause(50);
    });
    const memory: (readonly [number, number])[] = [];
    const watch = inTurns(isOver, async () => {
      memory.push([(performance.now() - started) / 1000, residentMegabytes(pid)]);
      await pause(1_000);
    });
    await Promise.all([...clients, poll, watch]);
    const metrics = await metricsOf(url);
    const lag = 1000 * metrics('kimera_nodejs_eventloop_lag_p99_seconds');
    const megabytes = (from: number, to: number): number =>
      percentile(
        memory.filter(([at]) => at >= from && at < to).map(([, value]) => value),
        0.5,
      );
    const [early, late] = [megabytes(50, 70), megabytes(MIXED_SECONDS - 20, MIXED_SECONDS)];
    const growth = late / early;
    const server5xx = [...statuses].filter(([status]) => status >= 500).reduce((sum, [, count]) => sum + count, 0);
    const p99 = percentile(health, 0.99);
    return [
      finding(
        `vectors in ${MIXED_SECONDS} s from ${MIXED_CLIENTS} clients, and those below cosine ${LEAST_COSINE}`,
        `${vectors}, ${wrong}`,
        '0 wrong',
        vectors > 0 && wrong === 0,
      ),
      finding(
        `statuses (${malformed} malformed, ${cut} cut off)`,
        [...statuses]
          .sort()
          .map(([status, count]) => `${status}: ${count}`)
          .join(', '),
        'no 5xx',
        server5xx === 0,
      ),
      finding(
        'what else went wrong',
        failed.length === 0 ? '0' : `${failed.length}: ${[...new Set(failed)].slice(0, 4).join('; ')}`,
        '0',
        failed.length === 0,
      ),
      finding(
        'memory in minute 1 and 3',
        `${early.toFixed(0)} and ${late.toFixed(0)} MB (× ${growth.toFixed(2)})`,
        '± 10 %',
        Math.abs(growth - 1) <= 0.1,
      ),
      finding(`/health, p99 of ${health.length}`, milliseconds(p99), '< 50 ms', p99 < 50),
      finding('event loop delay, p99', milliseconds(lag), '< 30 ms', lag < 30),
    ];
  });

const pollAgent = new Agent({ keepAlive: true, maxSockets: 1 });
const openaiAnswer = z.object({ data: z.array(z.object({ embedding: z.union([z.string(), z.array(z.number())]) })) });
const teiAnswer = z.array(z.array(z.number()));

/** Sends a request, or half of it, and closes the connection. */
function cutOff(url: string, body: string, half: boolean): Promise<void> {
  return new Promise((resolve) => {
    const sent = request(url, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    sent.on('error', () => undefined);
    sent.once('close', resolve);
    sent.write(half ? body.slice(0, body.length / 2) : body, () => setTimeout(() => sent.destroy(), 5));
  });
}

function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function finding(what: string, measured: string, wanted: string, holds: boolean): Finding {
  return { what, measured, wanted, holds };
}
