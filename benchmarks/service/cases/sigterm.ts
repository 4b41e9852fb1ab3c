import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { startServerProcess } from '../../start-server.js';
import { call, freshText } from '../client.js';
import { finding, type ServiceCase } from '../service-case.js';

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
