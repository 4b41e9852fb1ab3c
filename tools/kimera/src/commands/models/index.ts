import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand } from '../../console/create-command.js';
import { benchCommand } from './bench.js';
import { convertCommand } from './convert.js';
import { distillCommand } from './distill.js';
import { inspectCommand } from './inspect.js';
import { listCommand } from './list.js';
import { pullCommand } from './pull.js';
import { synthesizeCommand } from './synthesize.js';
import { verifyCommand } from './verify.js';

export function modelsCommand(context: CommandContext): Command {
  const command = createCommand(context, 'models', {
    summary: 'list, pull, convert, distill, verify, inspect and time models',
    examples: [
      'models list',
      'models pull sentence-transformers/all-MiniLM-L6-v2',
      'models convert ./checkpoints/all-MiniLM-L6-v2 --out ./models/minilm',
      'models verify ./models/minilm --against ./checkpoints/all-MiniLM-L6-v2',
    ],
  });
  for (const create of [
    listCommand,
    pullCommand,
    convertCommand,
    distillCommand,
    verifyCommand,
    inspectCommand,
    synthesizeCommand,
    benchCommand,
  ])
    command.addCommand(create(context));
  return command;
}
