import { fileURLToPath } from 'node:url';
import { KimeraError } from '@kimera/core';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { startServer } from './server.js';
import { onSignal } from './shutdown.js';

const logger = pino();
const root = fileURLToPath(new URL('../../..', import.meta.url));
try {
  const server = await startServer(parseConfiguration(process.env, root), logger);
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
