import type { Command } from 'commander';
import type { CommandContext } from '../console/command-context.js';
import { createCommand } from '../console/create-command.js';
import { variantOption } from '../models/backend-option.js';
import { MODEL_OPTION, modelPath } from '../models/default-model.js';

interface ServeOptions {
  readonly model?: string;
  readonly host?: string;
  readonly port?: string;
  readonly variant?: string;
  readonly keep?: true;
  readonly config?: string;
  readonly printConfig?: true;
}

export function serveCommand(context: CommandContext): Command {
  return createCommand(context, 'serve', {
    summary: 'the HTTP server',
    description: [
      'Serves OpenAI and text-embeddings-inference clients until Ctrl-C or SIGTERM, which answer what was accepted and end with 0.',
      'Everything else is set by environment variables, or by a file of the same names (--config): docs/configuration.md lists them.',
    ].join('\n'),
    examples: [
      'serve',
      'serve --model sentence-transformers/all-MiniLM-L6-v2 --port 8080',
      'serve --config kimera.yaml --print-config',
    ],
  })
    .option(...MODEL_OPTION)
    .option('--host <address>', 'address to listen on (default: $HOST, or 127.0.0.1)')
    .option('--port <number>', 'port, 0 for a free one (default: $PORT, or 3000)')
    .addOption(variantOption())
    .option('--keep', 'keep the collections of the database current (default: $KIMERA_KEEP, or not)')
    .option('--config <file>', 'YAML or JSON with settings by the names of their variables (default: $KIMERA_CONFIG)')
    .option('--print-config', 'prints what the settings are, without secrets, and ends')
    .action(async ({ model, host, port, variant, keep, config, printConfig }: ServeOptions) => {
      const { printSettings, runServer } = await import('../models/run-server.js');
      const given = {
        ...(config === undefined ? {} : { KIMERA_CONFIG: config }),
        ...(model === undefined && (config ?? context.environment['KIMERA_CONFIG']) !== undefined
          ? {}
          : { ONNX_MODEL_PATH: await modelPath(context, model) }),
        ...(host === undefined ? {} : { HOST: host }),
        ...(port === undefined ? {} : { PORT: port }),
        ...(variant === undefined ? {} : { KIMERA_VARIANT: variant }),
        ...(keep === undefined ? {} : { KIMERA_KEEP: '1' }),
      };
      const environment = { ...context.environment, ...given };
      if (printConfig === true) await printSettings(environment, context);
      else await runServer({ environment, folder: context.folder, stop: context.stop });
    });
}
