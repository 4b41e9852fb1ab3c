import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../../machine.js';
import { metricsOf } from '../../start-server.js';
import { call, freshText } from '../client.js';
import { finding, inTurns, milliseconds, type ServiceCase, withServer } from '../service-case.js';

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
