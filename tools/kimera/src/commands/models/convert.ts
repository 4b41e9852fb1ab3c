import { resolve } from 'node:path';
import type { WeightForm } from '@kimera/converter';
import { shortFingerprint } from '@kimera/core';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { UsageError } from '../../console/command-errors.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { verifyFolder } from './verify.js';

interface ConvertCommandOptions {
  readonly out?: string;
  readonly variant: WeightForm;
  readonly modelId?: string;
  readonly verifyOnly?: true;
  readonly json?: true;
}

export function convertCommand(context: CommandContext): Command {
  const command = createCommand(context, 'convert', {
    summary: 'a Hugging Face checkpoint to an ONNX model folder',
    description: [
      'Writes a model folder with two ONNX graphs, measures its vectors against an own forward pass over the checkpoint, and records the result.',
      'The folder appears only when it is whole; an existing one is refused.',
    ].join('\n'),
    examples: [
      'models convert ./all-MiniLM-L6-v2 --out ./models/minilm',
      'models convert ./all-MiniLM-L6-v2 --out ./models/minilm-fp16 --variant fp16 --model-id sentence-transformers/all-MiniLM-L6-v2',
      'models convert ./models/minilm --verify-only',
    ],
  });
  return withJson(command)
    .argument('<dir>', 'folder of the checkpoint; with --verify-only a model folder')
    .option('--out <dir>', 'folder to write')
    .addOption(new Option('--variant <name>', 'precision of the weights').choices(['fp32', 'fp16', 'q4']).default('fp32'))
    .option('--model-id <id>', 'name for people (default: the folder’s name)')
    .option('--verify-only', 'check an existing model folder instead, as "models verify" does')
    .action(async (dir: string, { out, variant, modelId, verifyOnly, json }: ConvertCommandOptions) => {
      const source = resolve(context.folder, dir);
      if (verifyOnly === true) return verifyFolder(context, { folder: source, format: json === true ? 'json' : 'table' });
      if (out === undefined) throw new UsageError('--out DIR is missing: the folder to write');
      const started = performance.now();
      const { convertModel } = await import('../../models/convert-model.js');
      const progress = await openProgress(context.stderr, 'converting');
      try {
        const { path, space, file } = await convertModel({
          source,
          out: resolve(context.folder, out),
          variant,
          ...(modelId === undefined ? {} : { modelId }),
          onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
          onMeasure: () => progress.phase('measuring against the checkpoint'),
          stop: context.stop,
        });
        progress.stop();
        const bytes = Object.values(file.files).reduce((sum, entry) => sum + entry.bytes, 0);
        const milliseconds = Math.round(performance.now() - started);
        const variants = file.variants.map(({ name, fidelity }) => ({ name, fidelity }));
        if (json === true) return await context.stdout.json({ path, modelId: space.modelId, space: space.fingerprint, dimension: space.dimension, maxTokens: space.maxTokens, heads: space.heads, variants, bytes, milliseconds });
        await context.stdout.line(`${printable(path)}: ${printable(space.modelId)}, ${formatBytes(bytes)}, in ${formatDuration(milliseconds)}`);
        await context.stdout.line(`space ${shortFingerprint(space.fingerprint)}: ${space.dimension} numbers, ${space.maxTokens} tokens, ${space.heads.join(', ')}`);
        for (const { name, fidelity } of variants) {
          await context.stdout.line(`${name}: cosine to the checkpoint min ${fidelity.minCosine}, mean ${fidelity.meanCosine}; max-abs ${fidelity.maxAbs}; ${fidelity.texts} texts`);
        }
      } finally {
        progress.stop();
      }
    });
}
