import { Agent } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { call } from '../client.js';
import { finding, type ServiceCase, withServer } from '../service-case.js';

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
