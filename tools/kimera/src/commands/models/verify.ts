import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { EXIT } from '../../console/exit-code.js';
import { printable } from '../../console/printable.js';
import type { FactsChoice } from '../../models/choose-facts.js';
import { inputPath, resolveModel } from '../../models/resolve-model.js';

interface VerifyCommandOptions {
  readonly against?: string;
  /** True where no file is named. */
  readonly published?: string | true;
  readonly json?: true;
}

export function verifyCommand(context: CommandContext): Command {
  const command = createCommand(context, 'verify', {
    summary: 'check a model folder line by line',
    description: [
      'File hashes, tokenizer, probe tokens and vectors, dimension and norm; with --against also the hash of the checkpoint’s weights and its forward pass.',
      'With --published, and by itself for the model id BAAI/bge-m3, also what others have published about the model’s outputs.',
      'Ends with 0 where every line holds, with 2 otherwise.',
    ].join('\n'),
    examples: [
      'models verify sentence-transformers/all-MiniLM-L6-v2',
      'models verify ./models/minilm --against ./checkpoints/all-MiniLM-L6-v2',
      'models verify ./models/minilm --json',
    ],
  });
  return withJson(command)
    .argument('<model>', 'id as "kimera models list" prints it, or model folder')
    .option('--against <dir>', 'folder of the checkpoint it was made from')
    .option('--published [file]', 'compare with published facts: those of BAAI/bge-m3, or of a file')
    .action(async (dir: string, { against, published, json }: VerifyCommandOptions) =>
      verifyFolder(context, {
        folder: await resolveModel(context, dir),
        format: json === true ? 'json' : 'table',
        ...(against === undefined ? {} : { checkpoint: await inputPath(context, against) }),
        ...(published === undefined
          ? {}
          : { published: published === true ? 'bge-m3' : { file: await inputPath(context, published) } }),
      }),
    );
}

export interface VerifyFolderOptions {
  readonly folder: string;
  readonly checkpoint?: string;
  /** Published facts to compare with; without it those that are known of the folder's model id. */
  readonly published?: FactsChoice;
  readonly format: 'json' | 'table';
}

/**
 * Prints the checks and ends with 0 or 2. @throws ModelFolderNotFoundError, InvalidFactsFileError, StoppedError, and
 * the checkpoint's errors.
 */
export async function verifyFolder(
  context: CommandContext,
  { folder, checkpoint, published: choice, format }: VerifyFolderOptions,
): Promise<void> {
  const [{ chooseFacts }, { checkFolder }, { checkPublished }, { describeFolder }] = await Promise.all([
    import('../../models/choose-facts.js'),
    import('../../models/check-folder.js'),
    import('../../models/check-published.js'),
    import('../../models/describe-space.js'),
  ]);
  if (context.stderr.isTTY === true) context.note(`checking ${printable(folder)}: a large model takes minutes`);
  const facts = await chooseFacts(folder, choice);
  const checks = await checkFolder({ folder, checkpoint, stop: context.stop });
  const published = facts === undefined ? undefined : await checkPublished({ folder, facts, stop: context.stop });
  // A folder that cannot be opened is a line that does not hold.
  const description = await describeFolder(folder).catch(() => undefined);
  const all = [...checks, ...(published?.rows ?? [])];
  const failed = all.filter((row) => !row.holds).length;
  if (failed > 0) context.finish(EXIT.refused);
  if (format === 'json')
    return context.stdout.json({
      folder,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(description === undefined ? {} : { description }),
      holds: failed === 0,
      checks,
      ...(published === undefined ? {} : { published }),
    });
  if (description !== undefined) await context.stdout.line(description);
  const { cell, formatTable } = await import('../../console/table.js');
  const { green, red } = context.colors;
  const mark = ({ holds }: { readonly holds: boolean }): string => (holds ? green('yes') : red('NO'));
  await context.stdout.line(
    formatTable(
      ['CHECK', 'EXPECTED', 'ACTUAL', 'HOLDS'],
      checks.map((row) => [row.check, cell(row.expected), cell(row.actual, 120), mark(row)]),
    ),
  );
  if (published !== undefined) {
    const rows = published.rows.map((row) => [
      cell(`${row.group}: ${row.fact}`, 140),
      cell(row.published),
      cell(row.yours, 120),
      mark(row),
    ]);
    await context.stdout.line(
      [
        '',
        ...published.notes.map((note) => cell(note, 240)),
        formatTable(['FACT', 'PUBLISHED', 'YOURS', 'HOLDS'], rows),
        '',
      ].join('\n'),
    );
  }
  await context.stdout.line(
    failed === 0
      ? green('every line holds')
      : red(`${failed} of ${all.length} lines do not hold: this folder must not serve`),
  );
}
