import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../../machine.js';
import { type Answer, call, freshText } from '../client.js';
import { finding, inTurns, type ServiceCase, withServer } from '../service-case.js';

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
