import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { startServerProcess } from '../start-server.js';
import { call, freshText } from '../service/client.js';
import { COLLECTION, type PreparedDatabase } from './prepared-database.js';
import { KIMERA, Workers, type WorkersOptions } from './workers.js';

/** The server has answered some before the first one counts. */
const WARM_UP = 20;

export interface QueryOptions extends Pick<WorkersOptions, 'count' | 'models' | 'cpu'> {
  readonly seconds: number;
  /** Queries that come in a second, whether those before are answered or not. */
  readonly rate: number;
}

export interface QueryTimes {
  /** Milliseconds from when each query was due to its answer. */
  readonly times: readonly number[];
  /** Of the backfill beside them. */
  readonly rowsPerSecond: number;
}

/** Searches by text through a server of its own, beside `count` workers; 0: nothing else. */
export function queryTimes(prepared: PreparedDatabase, options: QueryOptions): Promise<QueryTimes> {
  return prepared.copy(async (database) => {
    const [model] = options.models;
    const server = await startServerProcess(
      { DATABASE_URL: database, ONNX_MODEL_PATH: model, EMBEDDING_CACHE_MB: '0' },
      [KIMERA, 'serve'],
    );
    const agent = new Agent({ keepAlive: true });
    const ask = async (): Promise<void> => {
      const { status, body } = await call(agent, `${server.url}/v1/collections/${COLLECTION}/search`, {
        query: freshText(),
        limit: 10,
      });
      if (status !== 200) throw new Error(`a search got ${status}: ${body}`);
    };
    try {
      for (let i = 0; i < WARM_UP; i++) await ask();
      if (options.count === 0) return { times: await askSteadily(ask, options), rowsPerSecond: 0 };
      const workers = await Workers.start({ ...options, database });
      await workers.atWork();
      const from = await workers.now();
      const times = await askSteadily(ask, options);
      const to = await workers.now();
      if ((await workers.waiting()) === 0)
        throw new Error('the backfill was done before the queries: give it more rows');
      const rowsPerSecond = await workers.rowsPerSecond(from, to);
      await workers.end('stop');
      return { times, rowsPerSecond };
    } finally {
      agent.destroy();
      await server.stop();
    }
  });
}

async function askSteadily(
  ask: () => Promise<void>,
  { seconds, rate }: Pick<QueryOptions, 'seconds' | 'rate'>,
): Promise<readonly number[]> {
  const started = performance.now();
  return Promise.all(
    Array.from({ length: Math.round(seconds * rate) }, async (_, i) => {
      const due = started + (i * 1000) / rate;
      await pause(Math.max(0, due - performance.now()));
      await ask();
      return performance.now() - due;
    }),
  );
}
