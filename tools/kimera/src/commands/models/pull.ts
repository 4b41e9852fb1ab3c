import { join, resolve } from 'node:path';
import { shortFingerprint } from '@kimera/core';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { checkModelId, lastPart } from '../../hub/client/model-name.js';

interface PullCommandOptions {
  readonly revision?: string;
  readonly to?: string;
  readonly json?: true;
}

export function pullCommand(context: CommandContext): Command {
  const command = createCommand(context, 'pull', {
    summary: 'a checkpoint from a hub to a folder',
    description: [
      'Downloads the files that "models convert" needs, and no others; of a converted model, the whole model folder. Each file is checked by its hash',
      'before it gets its name. The same command goes on where it was cut off, and leaves alone what is there already.',
      'HF_ENDPOINT names a mirror, HF_TOKEN a token for models that need one; HF_HUB_OFFLINE=1 forbids requests.',
    ].join('\n'),
    examples: [
      'models pull BAAI/bge-m3',
      'models pull sentence-transformers/all-MiniLM-L6-v2 --to ./checkpoints/minilm',
      'models pull intfloat/multilingual-e5-small --revision main --json',
    ],
  });
  return withJson(command)
    .argument('<id>', 'OWNER/NAME of the model')
    .option('--revision <name>', 'branch, tag or commit (default: the commit that this program has pins of, else main)')
    .option('--to <dir>', 'folder to write (default: ./checkpoints/NAME)')
    .action(async (id: string, { revision, to, json }: PullCommandOptions) => {
      const folder = resolve(context.folder, to ?? join('checkpoints', lastPart(checkModelId(id))));
      const started = performance.now();
      const { pullModel } = await import('../../hub/pull-model.js');
      const progress = await openProgress(context.stderr, 'pulling');
      try {
        const pulled = await pullModel({
          id,
          folder,
          environment: context.environment,
          stop: context.stop,
          ...(revision === undefined ? {} : { revision }),
          onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
          onWait: (error, milliseconds) => {
            if (context.stderr.isTTY)
              context.note(`\nkimera: ${printable(error.message)}; trying again in ${formatDuration(milliseconds)}`);
          },
        });
        progress.stop();
        const bytes = pulled.files.reduce((sum, file) => sum + file.bytes, 0);
        const milliseconds = Math.round(performance.now() - started);
        if (json === true) {
          await context.stdout.json({ ...pulled, bytes, milliseconds });
          return;
        }
        const there = pulled.files.filter(({ state }) => state === 'already there').length;
        const commit = `${shortFingerprint(pulled.commit)}${pulled.pins === 'commit' ? ' (pinned)' : ''}`;
        await context.stdout.line(
          `${printable(folder)}: ${id} at ${commit}, ${pulled.files.length} files, ${formatBytes(bytes)}, in ${formatDuration(milliseconds)}`,
        );
        if (there > 0)
          await context.stdout.line(
            there === pulled.files.length ? 'all of them were already there' : `${there} of them were already there`,
          );
        await context.stdout.line(
          pulled.kind === 'model'
            ? 'a model folder, ready to use: "kimera models verify DIR" checks it'
            : 'a checkpoint: "kimera models convert DIR --out DIR" makes a model folder of it',
        );
      } finally {
        progress.stop();
      }
    });
}
