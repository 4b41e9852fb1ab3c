import { startServer } from '@kimera/api';
import { parseConfiguration } from '@kimera/serving';

export interface RunServerOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly folder: string;
  readonly stop: AbortSignal;
}

/**
 * Serves until `stop` is aborted, then answers what was accepted. @throws InvalidEnvironmentError, the model's errors,
 * AddressError.
 */
export async function runServer({ environment, folder, stop }: RunServerOptions): Promise<void> {
  const server = await startServer(parseConfiguration(environment, folder));
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
}
