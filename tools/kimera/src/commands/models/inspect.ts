import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';

interface InspectOptions {
  readonly tensors?: true;
  readonly json?: true;
}

export function inspectCommand(context: CommandContext): Command {
  const command = createCommand(context, 'inspect', {
    summary: 'what a model or checkpoint file declares',
    description: [
      'Tensors with type, shape and bytes; inputs, outputs, operator sets and operators of graphs; sizes. Safe on files of unknown origin:',
      'nothing is executed, weights are not read, every length is checked, and external data must lie inside the folder.',
    ].join('\n'),
    examples: [
      'models inspect ./models/minilm',
      'models inspect ./models/minilm/onnx/model.onnx --tensors',
      'models inspect ./all-MiniLM-L6-v2/model.safetensors --json',
    ],
  });
  return withJson(command)
    .argument('<path>', 'model folder, checkpoint folder, .safetensors or .onnx file')
    .option('--tensors', 'list every tensor of every file (always in --json, and where a single file is given)')
    .action(async (path: string, { tensors, json }: InspectOptions) => {
      const { printInspection } = await import('../../models/print-inspection.js');
      await printInspection(context, {
        path: resolve(context.folder, path),
        format: json === true ? 'json' : tensors === true ? 'every tensor' : 'summary',
      });
    });
}
