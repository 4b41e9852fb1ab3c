import { VARIANTS, type VariantName } from '@kimera/core';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { EXIT } from '../../console/exit-code.js';
import { openProgress } from '../../console/progress.js';
import { wholeNumber } from '../../console/whole-number.js';
import { inputPath, resolveModel } from '../../models/resolve-model.js';
import type { BenchDocument } from '../../models/bench-folders.js';

interface BenchOptions {
  readonly variant?: VariantName;
  readonly texts?: string;
  readonly threads?: number;
  readonly json?: true;
}

export function benchCommand(context: CommandContext): Command {
  const command = createCommand(context, 'bench', {
    summary: 'time models on this machine',
    description: [
      'Each precision of each model: time to load and to the first vector, one text alone, the texts together, tokens a second by number and length of texts',
      '(as far as the model reads them), memory. Medians of up to five rounds. Where several are timed, each has a process of its own.',
      'Other programs disturb it: compare what one run prints. Seconds for a small model, minutes for a large one.',
    ].join('\n'),
    examples: [
      'models bench sentence-transformers/all-MiniLM-L6-v2',
      'models bench ./models/mine ./models/other --texts texts.jsonl --threads 2 --json',
    ],
  });
  return withJson(command)
    .argument('<models...>', 'ids as "kimera models list" prints them, or model folders')
    .addOption(
      new Option('--variant <name>', 'only this precision (default: each that the model has)').choices(VARIANTS),
    )
    .option('--texts <file>', '{"text": …} lines (default: sixteen built-in texts)')
    .option(
      '--threads <number>',
      'threads of the native runtime (default: all processors)',
      wholeNumber('--threads', 1_024),
    )
    .action(async (given: readonly string[], { variant, texts, threads, json }: BenchOptions) => {
      const { benchFolders } = await import('../../models/bench-folders.js');
      const paths = await Promise.all(given.map((model) => resolveModel(context, model)));
      const textsPath = texts === undefined ? undefined : await inputPath(context, texts);
      const progress = await openProgress(context.stderr, 'timing', (done, total) => `${done} of ${total}`);
      let document: BenchDocument;
      try {
        document = await benchFolders(context, {
          paths,
          variant,
          textsPath,
          threads,
          onProgress: (done, total) => progress.update(done, total),
        });
      } finally {
        progress.stop();
      }
      if (document.models.some((model) => 'error' in model)) context.finish(EXIT.error);
      if (json === true) return context.stdout.json(document);
      const { describeBench } = await import('../../models/describe-bench.js');
      await context.stdout.line(describeBench(document));
    });
}
