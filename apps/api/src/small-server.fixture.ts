import { fileURLToPath } from 'node:url';
import { parseConfiguration, type Configuration, type Environment } from '@kimera/serving';
import { pino, type Logger } from 'pino';
import { startServer, type RunningServer } from './server.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A server on a small model, which opens fast, at a free port. @param settings instead of what the environment says. */
export function startSmallServer(
  environment: Environment,
  { logger = pino({ enabled: false }), ...settings }: Partial<Configuration> & { readonly logger?: Logger } = {},
): Promise<RunningServer> {
  const configuration = parseConfiguration(
    { ONNX_MODEL_PATH: 'fixtures/models/bert-tiny-prompts', PORT: '0', ...environment },
    root,
  );
  return startServer({ ...configuration, ...settings }, logger);
}
