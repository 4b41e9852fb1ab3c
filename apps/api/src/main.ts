import { KimeraError } from '@kimera/core';
import { parseConfiguration, withConfigurationFile } from '@kimera/serving';
import { createLogger } from './logger.js';
import { startServer } from './server.js';
import { onSignal } from './shutdown.js';

const logger = createLogger();
/**
 * Where relative paths start: the workspace under `nx serve`, which Nx runs in the project's folder; else the current
 * folder.
 */
const root = process.env['NX_WORKSPACE_ROOT'] ?? process.cwd();
try {
  const server = await startServer(parseConfiguration(await withConfigurationFile(process.env, root), root), logger);
  const shutDown = onSignal({
    close: () => server.close(),
    exit: (code) => process.exit(code),
    now: () => performance.now(),
    logger,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, shutDown);
} catch (error) {
  if (error instanceof KimeraError) logger.fatal({ code: error.code, ...error.fields }, error.message);
  else logger.fatal({ err: error }, 'the server could not start');
  process.exit(1);
}
