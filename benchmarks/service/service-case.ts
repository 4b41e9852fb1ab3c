import { type ServerProcess, startServerProcess } from '../start-server.js';

/** One line of the result: what was asked for, what came, whether it holds. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  readonly holds: boolean;
}

export type ServiceCase = () => Promise<readonly Finding[]>;

export const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;

export function finding(what: string, measured: string, wanted: string, holds: boolean): Finding {
  return { what, measured, wanted, holds };
}

/** The work of one server, which is stopped whatever happens. */
export async function withServer<T>(
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
export async function inTurns(until: () => boolean, turn: () => Promise<unknown>): Promise<void> {
  while (!until()) await turn();
}
