import { resolve } from 'node:path';
import { shortFingerprint } from '@kimera/core';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { UsageError } from '../../errors.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatCount, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { wholeNumber } from '../../console/whole-number.js';
import { inputPath, resolveModel } from '../../models/resolve-model.js';

interface DistillCommandOptions {
  readonly out?: string;
  readonly dims: number;
  readonly texts?: string;
  readonly precision: 'fp32' | 'int8';
  readonly modelId?: string;
  readonly json?: true;
}

const PHASES = {
  vocabulary: 'tokens of the vocabulary',
  texts: 'tokens of the texts',
  components: 'principal components',
  fit: 'steps of the fit',
} as const;

export function distillCommand(context: CommandContext): Command {
  const command = createCommand(context, 'distill', {
    summary: 'a converted model to a static one: a table of token vectors',
    description: [
      'Runs every token of the vocabulary through the model and writes a table of their vectors: texts are embedded by adding rows, hundreds of times faster',
      'and less exactly, in a space of its own. With --texts the rows are fitted to the model’s vectors of these texts, which is much better than without.',
      'The folder appears only when it is whole; an existing one is refused. model2vec reads it too.',
    ].join('\n'),
    examples: [
      'models distill sentence-transformers/all-MiniLM-L6-v2 --out ./models/my-static',
      'models distill sentence-transformers/all-MiniLM-L6-v2 --out ./models/fitted-static --texts texts.txt --json',
    ],
  });
  return withJson(command)
    .argument('<model>', 'the teacher: id as "kimera models list" prints it, or model folder')
    .option('--out <dir>', 'folder to write')
    .option(
      '--dims <number>',
      'numbers of a vector, at most the model’s (default: 256)',
      wholeNumber('--dims', 65_536),
      256,
    )
    .option('--texts <file>', 'texts of the kind that will be embedded, one a line: tens of thousands')
    .addOption(new Option('--precision <name>', 'of the table').choices(['fp32', 'int8']).default('int8'))
    .option('--model-id <id>', 'name for people (default: the folder’s name)')
    .action(async (dir: string, { out, dims, texts, precision, modelId, json }: DistillCommandOptions) => {
      if (out === undefined) throw new UsageError('--out DIR is missing: the folder to write');
      const started = performance.now();
      const { distillModel } = await import('../../models/distill-model.js');
      let phase: keyof typeof PHASES = 'vocabulary';
      const progress = await openProgress(
        context.stderr,
        'distilling',
        (done, total) => `${formatCount(done)} of ${formatCount(total)} ${PHASES[phase]}`,
      );
      try {
        const path = resolve(context.folder, out);
        const space = await distillModel({
          source: await resolveModel(context, dir),
          out: path,
          dimension: dims,
          precision,
          ...(texts === undefined ? {} : { textsPath: await inputPath(context, texts) }),
          ...(modelId === undefined ? {} : { modelId }),
          onProgress: (event) => {
            phase = event.phase;
            progress.update(event.done, event.total);
          },
          stop: context.stop,
        });
        progress.stop();
        const { identity, fingerprint, variant, teacher, files } = space;
        const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
        const milliseconds = Math.round(performance.now() - started);
        if (json === true) {
          await context.stdout.json({
            path,
            modelId: space.modelId,
            space: fingerprint,
            dimension: identity.dimension,
            maxTokens: identity.maxTokens,
            variant,
            teacher,
            bytes,
            milliseconds,
          });
          return;
        }
        await context.stdout.line(
          `${printable(path)}: ${printable(space.modelId)}, ${formatBytes(bytes)}, in ${formatDuration(milliseconds)}`,
        );
        await context.stdout.line(
          `space ${shortFingerprint(fingerprint)}: ${identity.dimension} numbers, ${identity.maxTokens} tokens, its own: not comparable with the model's ${shortFingerprint(teacher?.space ?? '')}`,
        );
        const { texts: count = 0, truncatedTexts = 0 } = teacher?.recipe ?? {};
        if (Number(truncatedTexts) > 0)
          await context.stdout.line(
            `${truncatedTexts} of ${count} texts are longer than the model takes: it saw their beginnings`,
          );
        if (variant.name === 'int8')
          await context.stdout.line(
            `int8: cosine to the table in float32 min ${variant.fidelity.minCosine}, mean ${variant.fidelity.meanCosine}; ${variant.fidelity.texts} texts`,
          );
      } finally {
        progress.stop();
      }
    });
}
