import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { cosine } from '@kimera/core';
import { decodeVector } from '@kimera/model-folder';
import { z } from 'zod';
import { percentile } from '../../machine.js';
import { metricsOf } from '../../start-server.js';
import { call } from '../client.js';
import { goldens, LEAST_COSINE, teiAnswer } from '../goldens.js';
import { finding, inTurns, milliseconds, type ServiceCase, withServer } from '../service-case.js';

const openaiAnswer = z.object({ data: z.array(z.object({ embedding: z.union([z.string(), z.array(z.number())]) })) });

const MIXED_CLIENTS = 64;
const MIXED_SECONDS = 180;
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
