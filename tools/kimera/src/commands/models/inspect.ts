import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { inputPath, resolveModel } from '../../models/resolve-model.js';

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
      'models inspect sentence-transformers/all-MiniLM-L6-v2',
      'models inspect ./models/minilm/onnx/model.onnx --tensors',
      'models inspect ./checkpoints/all-MiniLM-L6-v2/model.safetensors --json',
    ],
  });
  return withJson(command)
    .argument('<path>', 'model id, model folder, checkpoint folder, .safetensors or .onnx file')
    .option('--tensors', 'list every tensor of every file (always in --json, and where a single file is given)')
    .action(async (path: string, { tensors, json }: InspectOptions) => {
      const { printInspection } = await import('../../models/print-inspection.js');
      await printInspection(context, {
        path: await inputPath(context, await resolveModel(context, path)),
        format: json === true ? 'json' : tensors === true ? 'every tensor' : 'summary',
      });
    });
}
