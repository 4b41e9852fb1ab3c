import { onLauncherGone, startServer } from '@kimera/api';
import { describeSettings, parseConfiguration, withConfigurationFile } from '@kimera/serving';
import type { CommandContext } from '../console/command-context.js';

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
  const end = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
    // Before the start, which takes seconds: a launcher that ends in the meantime would be missed.
    onLauncherGone(resolve);
  });
  const server = await startServer(parseConfiguration(await withConfigurationFile(environment, folder), folder));
  await end;
  await server.close();
}

/** What the settings are, each as a line of a configuration file; secrets are not shown. @throws as `runServer`. */
export async function printSettings(
  environment: RunServerOptions['environment'],
  { stdout, folder }: Pick<CommandContext, 'stdout' | 'folder'>,
): Promise<void> {
  const settings = await withConfigurationFile(environment, folder);
  parseConfiguration(settings, folder);
  for (const { name, value, usual } of describeSettings(settings))
    await stdout.line(value === undefined ? `# ${name}: default: ${usual}` : `${name}: ${JSON.stringify(value)}`);
}
