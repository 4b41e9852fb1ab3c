import { resolve } from 'node:path';
import { shortFingerprint } from '@kimera/core';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { modelFolders } from '../../models/resolve-model.js';

export function listCommand(context: CommandContext): Command {
  const command = createCommand(context, 'list', {
    summary: 'the models at hand',
    description:
      'Model folders in ./models and those that come with Kimera, or in the folders given. A folder that is not whole is listed with its problem.',
    examples: ['models list', 'models list --json'],
  });
  return withJson(command)
    .argument('[dirs...]', 'model folders, or folders of model folders')
    .action(async (dirs: readonly string[], { json }: { readonly json?: true }) => {
      const { findModels } = await import('../../models/find-models.js');
      const given = dirs.map((dir) => resolve(context.folder, dir));
      const models =
        given.length > 0
          ? await findModels(given, 'all must be there')
          : await findModels(modelFolders(context), 'may be absent');
      if (json === true) return context.stdout.json({ models });
      const rows = models.flatMap((model) => {
        if ('error' in model) return [];
        const variants = model.variants.map(({ name, fidelity }) => `${name} (≥ ${fidelity.minCosine})`).join(', ');
        return [
          [
            printable(model.modelId),
            shortFingerprint(model.space),
            String(model.dimension),
            String(model.maxTokens),
            model.heads.join(','),
            variants,
            formatBytes(model.bytes),
            printable(model.path),
          ],
        ];
      });
      const { formatTable } = await import('../../console/table.js');
      if (rows.length > 0)
        await context.stdout.line(
          formatTable(
            ['MODEL', 'SPACE', 'DIMS', 'TOKENS', 'HEADS', 'VARIANTS (cosine)', 'SIZE', 'FOLDER'],
            rows,
            [2, 3, 6],
          ),
        );
      else await context.stdout.line('no models; "kimera models convert" makes one');
      for (const model of models)
        if (!('error' in model)) await context.stdout.line(`${printable(model.modelId)}: ${model.description}`);
      for (const model of models)
        if ('error' in model) context.note(`kimera: ${printable(model.path)}: ${printable(model.error.message)}`);
    });
}
