import { resolve } from 'node:path';
import type { SyntheticFormat } from '../../synthesize/synthesize-checkpoint.js';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { wholeNumber } from '../../console/whole-number.js';
import { inputPath } from '../../models/resolve-model.js';

interface SynthesizeCommandOptions {
  readonly like: 'bge-m3';
  readonly out: string;
  readonly format: SyntheticFormat;
  readonly layers: number;
  readonly seed: number;
  readonly tokenizer?: string;
  readonly json?: true;
}

const LAYERS = 24;

export function synthesizeCommand(context: CommandContext): Command {
  const command = createCommand(context, 'synthesize', {
    summary: 'a checkpoint of random weights in the size of a real model',
    description: [
      'Writes the files of a real checkpoint, with its names, shapes, types and tokenizer, and random numbers: to measure speed, memory and limits where the',
      'real one is not at hand. Its vectors mean nothing. The whole of bge-m3 has 2.27 GB.',
    ].join('\n'),
    examples: [
      'models synthesize --like bge-m3 --out ./checkpoints/bge-m3-random',
      'models synthesize --like bge-m3 --out ./checkpoints/small --layers 2 --format safetensors',
    ],
  });
  return withJson(command)
    .addOption(new Option('--like <model>', 'the model').choices(['bge-m3']).makeOptionMandatory())
    .requiredOption('--out <dir>', 'folder to write')
    .addOption(new Option('--format <name>', 'of the encoder’s weights').choices(['bin', 'safetensors']).default('bin'))
    .option('--layers <number>', 'fewer layers make a smaller model', wholeNumber('--layers', LAYERS), LAYERS)
    .option('--seed <number>', 'of the random numbers', wholeNumber('--seed', 2 ** 31 - 1), 1)
    .option(
      '--tokenizer <file>',
      'a tokenizer.json (default: bge-m3’s own, made of the one that ships with multilingual-e5-small)',
    )
    .action(async ({ out, tokenizer, json, format, layers, seed }: SynthesizeCommandOptions) => {
      const { synthesizeModel } = await import('../../models/synthesize-model.js');
      const started = performance.now();
      const path = resolve(context.folder, out);
      const progress = await openProgress(context.stderr, 'writing');
      try {
        const { bytes } = await synthesizeModel({
          out: path,
          format,
          layers,
          seed,
          stop: context.stop,
          ...(tokenizer === undefined ? {} : { tokenizerPath: await inputPath(context, tokenizer) }),
          onProgress: ({ bytes: done, totalBytes }) => progress.update(done, totalBytes),
        });
        progress.stop();
        const milliseconds = Math.round(performance.now() - started);
        if (json === true) {
          await context.stdout.json({ path, like: 'bge-m3', format, layers, seed, bytes, milliseconds });
          return;
        }
        await context.stdout.line(
          `${printable(path)}: ${layers} layers of bge-m3’s size with random weights, ${formatBytes(bytes)}, in ${formatDuration(milliseconds)}`,
        );
      } finally {
        progress.stop();
      }
    });
}
