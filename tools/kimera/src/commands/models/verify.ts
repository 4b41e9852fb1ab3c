import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { EXIT } from '../../console/exit-code.js';

interface VerifyCommandOptions {
  readonly against?: string;
  readonly json?: true;
}

export function verifyCommand(context: CommandContext): Command {
  const command = createCommand(context, 'verify', {
    summary: 'check a model folder line by line',
    description: [
      'File hashes, tokenizer, probe tokens and vectors, dimension and norm; with --against also the hash of the checkpoint’s weights and its forward pass.',
      'Ends with 0 where every line holds, with 2 otherwise.',
    ].join('\n'),
    examples: ['models verify ./models/minilm', 'models verify ./models/minilm --against ./all-MiniLM-L6-v2', 'models verify ./models/minilm --json'],
  });
  return withJson(command)
    .argument('<dir>', 'model folder')
    .option('--against <dir>', 'folder of the checkpoint it was made from')
    .action((dir: string, { against, json }: VerifyCommandOptions) =>
      verifyFolder(context, {
        folder: resolve(context.folder, dir),
        format: json === true ? 'json' : 'table',
        ...(against === undefined ? {} : { checkpoint: resolve(context.folder, against) }),
      }),
    );
}

export interface VerifyFolderOptions {
  readonly folder: string;
  readonly checkpoint?: string;
  readonly format: 'json' | 'table';
}

/** Prints the checks and ends with 0 or 2. @throws ModelFolderNotFoundError, StoppedError, and the checkpoint's errors. */
export async function verifyFolder(context: CommandContext, { folder, checkpoint, format }: VerifyFolderOptions): Promise<void> {
  const { checkFolder } = await import('../../models/check-folder.js');
  const rows = await checkFolder({ folder, checkpoint, stop: context.stop });
  const holds = rows.every((row) => row.holds);
  if (!holds) context.finish(EXIT.refused);
  if (format === 'json') return context.stdout.json({ folder, ...(checkpoint === undefined ? {} : { checkpoint }), holds, checks: rows });
  const { cell, formatTable } = await import('../../console/table.js');
  const { green, red } = context.colors;
  await context.stdout.line(formatTable(['CHECK', 'EXPECTED', 'ACTUAL', 'HOLDS'], rows.map((row) => [row.check, cell(row.expected), cell(row.actual, 120), row.holds ? green('yes') : red('NO')])));
  const failed = rows.filter((row) => !row.holds).length;
  await context.stdout.line(failed === 0 ? green('every line holds') : red(`${failed} of ${rows.length} lines do not hold: this folder must not serve`));
}
