import { KimeraError } from '@kimera/core';
import { parseConfiguration, withConfigurationFile } from '@kimera/serving';
import { onLauncherGone } from './launcher.js';
import { createLogger } from './logger.js';
import { startServer } from './server.js';
import { dieBySignal, onSignal } from './shutdown.js';

/** For the last lines of the log, which are written in the background, where the process has to end at once. */
const LOG_MILLISECONDS = 100;

const logger = createLogger();
/**
 * Where relative paths start: the workspace under `nx serve`, which Nx runs in the project's folder; else the current
 * folder.
 */
const root = process.env['NX_WORKSPACE_ROOT'] ?? process.cwd();
/** While the server starts, nothing is accepted yet. */
let atLauncherGone = (): void => void setTimeout(dieBySignal, LOG_MILLISECONDS, 'SIGTERM');
// Before the start, which takes seconds: a launcher that ends in the meantime would be missed.
onLauncherGone(() => {
  logger.info('the program that started the server has ended');
  atLauncherGone();
});
try {
  const server = await startServer(parseConfiguration(await withConfigurationFile(process.env, root), root), logger);
  const shutDown = onSignal({
    close: () => server.close(),
    exit: (code) => process.exit(code),
    die: (signal) => void setTimeout(dieBySignal, LOG_MILLISECONDS, signal),
    now: () => performance.now(),
    logger,
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, shutDown);
  atLauncherGone = () => shutDown('SIGTERM');
} catch (error) {
  if (error instanceof KimeraError) logger.fatal({ code: error.code, ...error.fields }, error.message);
  else logger.fatal({ err: error }, 'the server could not start');
  process.exit(1);
}
