import { resolve } from 'node:path';
import type { BaseVariant, Int8Options } from '@kimera/converter';
import { POOLINGS, shortFingerprint, type Fidelity, type Pooling, type VariantName } from '@kimera/core';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { UsageError } from '../../errors.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { inputPath, resolveModel } from '../../models/resolve-model.js';
import { verifyFolder } from './verify.js';

interface ConvertCommandOptions {
  readonly out?: string;
  readonly variants: Variants;
  readonly link?: true;
  readonly calibration?: string;
  readonly floor?: Floor;
  readonly thorough?: true;
  readonly ignore: readonly string[];
  readonly pooling?: Pooling;
  readonly normalize?: true;
  readonly modelId?: string;
  readonly verifyOnly?: true;
  readonly json?: true;
}

interface Variants {
  readonly base: BaseVariant;
  readonly others: readonly 'int8'[];
}

type Floor = NonNullable<Int8Options['floor']>;

const BASES: readonly BaseVariant[] = ['fp32', 'fp16', 'q4'];

export function convertCommand(context: CommandContext): Command {
  const command = createCommand(context, 'convert', {
    summary: 'a Hugging Face checkpoint to an ONNX model folder',
    description: [
      'Writes a model folder with two ONNX graphs, measures its vectors against an own forward pass over the checkpoint, and records the result.',
      'A checkpoint is what "models pull" fetches. The folder appears only when it is whole; an existing one is refused.',
      'With --link the weights stay in the checkpoint’s own file, hard-linked into the folder: seconds, and no second copy.',
    ].join('\n'),
    examples: [
      'models convert ./checkpoints/all-MiniLM-L6-v2 --out ./models/minilm',
      'models convert ./checkpoints/all-MiniLM-L6-v2 --out ./models/minilm-int8 --variants fp32,int8',
      'models convert ./checkpoints/all-MiniLM-L6-v2 --out ./models/minilm-linked --link',
      'models convert ./models/minilm --verify-only',
    ],
  });
  return withJson(command)
    .argument('<dir>', 'folder of the checkpoint; with --verify-only a model folder')
    .option('--out <dir>', 'folder to write')
    .addOption(
      new Option(
        '--variants <names>',
        'precision of the weights: one of fp32, fp16, q4, and int8 beside it where named',
      )
        .argParser(parseVariants)
        .default({ base: 'fp32', others: [] } satisfies Variants, 'fp32'),
    )
    .option('--link', 'leave the weights in the checkpoint’s file (fp32 only, same file system)')
    .option('--calibration <file>', 'texts, one a line, for the int8 variant (default: 240 sentences in 20 languages)')
    .option('--floor <mean,min>', 'cosines below which an int8 variant is refused (default: 0.995,0.98)', parseFloor)
    .option(
      '--thorough',
      'measure on all texts, which takes minutes for a large model; by default on as many as some seconds allow',
    )
    .addOption(
      new Option(
        '--pooling <kind>',
        'of a checkpoint without modules.json (default: mean, as sentence-transformers takes it)',
      ).choices(POOLINGS),
    )
    .option('--normalize', 'of a checkpoint without modules.json: divide vectors by their norm')
    .option(
      '--ignore <key>',
      'a key of the checkpoint’s files that is passed over although nobody knows it; may be repeated, and is written down',
      (key: string, keys: readonly string[]) => [...keys, key],
      [],
    )
    .option('--model-id <id>', 'name for people (default: that of models pull, or the folder’s name)')
    .option('--verify-only', 'check an existing model folder instead, as "models verify" does')
    .action(
      async (
        dir: string,
        {
          out,
          variants: { base, others },
          link,
          calibration,
          floor,
          thorough,
          ignore,
          pooling,
          normalize,
          modelId,
          verifyOnly,
          json,
        }: ConvertCommandOptions,
      ) => {
        if (verifyOnly === true)
          return verifyFolder(context, {
            folder: await resolveModel(context, dir),
            format: json === true ? 'json' : 'table',
          });
        const source = await inputPath(context, dir);
        if (link === true && base !== 'fp32')
          throw new UsageError(`--link leaves the weights as they are, so it makes fp32, not ${base}`);
        if (out === undefined) throw new UsageError('--out DIR is missing: the folder to write');
        const started = performance.now();
        const notes: string[] = [];
        const [{ convertModel }, { describeSpace }] = await Promise.all([
          import('../../models/convert-model.js'),
          import('../../models/describe-space.js'),
        ]);
        const progress = await openProgress(context.stderr, 'converting');
        try {
          const { path, space, file } = await convertModel({
            source,
            out: resolve(context.folder, out),
            variant: base,
            ...(link === true ? { weights: 'link' as const } : {}),
            ...(others.includes('int8')
              ? {
                  int8: {
                    ...(calibration === undefined ? {} : { calibration: await inputPath(context, calibration) }),
                    ...(floor === undefined ? {} : { floor }),
                  },
                }
              : {}),
            ...(thorough === true ? { reference: 'thorough' as const } : {}),
            choices: {
              ignore,
              ...(pooling === undefined ? {} : { pooling }),
              ...(normalize === undefined ? {} : { normalize }),
            },
            onNote: (note) => notes.push(note),
            ...(modelId === undefined ? {} : { modelId }),
            onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
            onPhase: (phase) => progress.phase(phase),
            stop: context.stop,
          });
          progress.stop();
          const bytes = Object.values(file.files).reduce((sum, entry) => sum + entry.bytes, 0);
          const milliseconds = Math.round(performance.now() - started);
          const variants = file.variants.map(({ name, fidelity, full }) => ({
            name,
            fidelity,
            ...(full === undefined ? {} : { full }),
          }));
          if (json === true) {
            await context.stdout.json({
              path,
              modelId: space.modelId,
              space: space.fingerprint,
              dimension: space.dimension,
              maxTokens: space.maxTokens,
              heads: space.heads,
              description: await describeSpace(path, space),
              notes,
              variants,
              bytes,
              milliseconds,
            });
            return;
          }
          await context.stdout.line(
            `${printable(path)}: ${printable(space.modelId)}, ${formatBytes(bytes)}, in ${formatDuration(milliseconds)}`,
          );
          await context.stdout.line(
            `space ${shortFingerprint(space.fingerprint)}: ${space.dimension} numbers, ${space.maxTokens} tokens, ${space.heads.join(', ')}`,
          );
          await context.stdout.line(await describeSpace(path, space));
          for (const note of notes) context.stderr.write(`${printable(`note: ${note}`)}\n`);
          for (const { name, fidelity, full } of variants) {
            await context.stdout.line(formatFidelity(name, fidelity));
            if (full !== undefined) await context.stdout.line(`${name}: in float32 stay ${full.join(', ')}`);
          }
          await context.stdout.line(
            'the cosine sees errors of graphs, weights and precision, not a setting of the checkpoint that was misread: "models verify --against" looks for those',
          );
        } finally {
          progress.stop();
        }
      },
    );
}

function parseVariants(list: string): Variants {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => name !== 'int8' && !BASES.some((base) => base === name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`Variants are ${BASES.join(', ')} and int8, not ${JSON.stringify(unknown)}.`);
  const bases = BASES.filter((base) => names.includes(base));
  if (bases.length > 1)
    throw new InvalidArgumentError(`One folder has one of ${BASES.join(', ')}, not ${bases.join(' and ')}.`);
  return { base: bases[0] ?? 'fp32', others: names.includes('int8') ? ['int8'] : [] };
}

function parseFloor(text: string): Floor {
  const [meanCosine = NaN, minCosine = NaN, ...rest] = text.split(',').map(Number);
  if (rest.length > 0 || ![meanCosine, minCosine].every((value) => value >= 0 && value <= 1))
    throw new InvalidArgumentError('Expected two cosines from 0 to 1, mean and minimum: 0.995,0.98.');
  return { meanCosine, minCosine };
}

function formatFidelity(
  name: VariantName,
  { minCosine, meanCosine, maxAbs, texts, heads, rankAgreement }: Fidelity,
): string {
  const others = (['sparse', 'colbert'] as const).flatMap((head) =>
    heads?.[head] === undefined ? [] : [`${head} min ${heads[head].minCosine}, mean ${heads[head].meanCosine}`],
  );
  const ranks =
    name === 'int8' && rankAgreement !== undefined
      ? [`${(rankAgreement * 100).toFixed(1)} % of the ten nearest the same`]
      : [];
  const to = name === 'int8' ? 'the full variant' : 'the checkpoint';
  return `${name}: cosine to ${to} min ${minCosine}, mean ${meanCosine}; ${[...others, `max-abs ${maxAbs}`, ...ranks, `${texts} texts`].join('; ')}`;
}
