/**
 * Does the server answer /health at once while it embeds a large batch? Starts the real server process on the shipped
 * model, sends 256 texts of 256 tokens, and asks for /health every 5 ms on its own connection until the batch is
 * answered. Fails where an answer takes 50 ms or more. The delay of the server's own event loop is read from its
 * /metrics.
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { machineLines, percentile, table } from './machine.js';
import { metricsOf, startServerProcess } from './start-server.js';

const LIMIT_MILLISECONDS = 50;
const TEXTS = 256;

const server = await startServerProcess();
const { url } = server;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
/** Milliseconds until the whole answer is here. */
function timeOf(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    request(`${url}${path}`, { agent }, (response) => {
      response.resume();
      response.once('end', () =>
        response.statusCode === 200
          ? resolve(performance.now() - started)
          : reject(new Error(`${path} answered ${response.statusCode}`)),
      );
    })
      .once('error', reject)
      .end();
  });
}
async function poll(until: () => boolean): Promise<readonly number[]> {
  const times: number[] = [];
  while (!until()) {
    times.push(await timeOf('/health'));
    await pause(5);
  }
  return times;
}

try {
  let polls = 0;
  await timeOf('/health');
  const idle = await poll(() => ++polls > 200);
  const inputs = Array.from({ length: TEXTS }, (_, i) => `word ${i} `.repeat(150));
  let answered = false;
  const started = performance.now();
  const batch = fetch(`${url}/embed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs, truncate: true }),
  }).then(async (response) => {
    const vectors = (await response.json()) as readonly unknown[];
    answered = true;
    return vectors.length;
  });
  const busy = await poll(() => answered);
  const seconds = (performance.now() - started) / 1000;
  const count = await batch;
  const metrics = await metricsOf(url);
  const lag = (name: string): string => (1000 * metrics(`kimera_nodejs_eventloop_lag_${name}_seconds`)).toFixed(1);
  const row = (what: string, times: readonly number[]): readonly (string | number)[] => [
    what,
    times.length,
    percentile(times, 0.5).toFixed(1),
    percentile(times, 0.99).toFixed(1),
    Math.max(...times).toFixed(1),
  ];
  console.log(
    `# /health while a batch runs\n\n${machineLines().join('\n')}\n\n${count} texts of 256 tokens took ${seconds.toFixed(1)} s. Times of /health, ms:\n`,
  );
  console.log(table(['server', 'polls', 'p50', 'p99', 'max'], [row('idle', idle), row('busy', busy)]));
  console.log(
    `\nThe server's event loop delay since its start (loading included), ms: p99 ${lag('p99')}, max ${lag('max')}.`,
  );
  process.exitCode = count === TEXTS && Math.max(...busy) < LIMIT_MILLISECONDS ? 0 : 1;
} finally {
  agent.destroy();
  await server.stop();
}
