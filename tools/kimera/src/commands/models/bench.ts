import { shortFingerprint } from '@kimera/core';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatCount, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { wholeNumber } from '../../console/whole-number.js';
import { inputPath, resolveModel } from '../../models/resolve-model.js';

interface BenchOptions {
  readonly variant?: string;
  readonly texts?: string;
  readonly threads?: number;
  readonly json?: true;
}

export function benchCommand(context: CommandContext): Command {
  const command = createCommand(context, 'bench', {
    summary: 'time a model on this machine',
    description:
      'Load time, throughput of the texts together (median of three rounds), latency of each text alone, peak memory.',
    examples: [
      'models bench sentence-transformers/all-MiniLM-L6-v2',
      'models bench sentence-transformers/all-MiniLM-L6-v2 --texts texts.jsonl --threads 2 --json',
    ],
  });
  return withJson(command)
    .argument('<model>', 'id as "kimera models list" prints it, or model folder')
    .option('--variant <name>', 'precision (default: the folder’s first)')
    .option('--texts <file>', '{"text": …} lines (default: sixteen built-in texts)')
    .option(
      '--threads <number>',
      'threads of the native runtime (default: all processors)',
      wholeNumber('--threads', 1_024),
    )
    .action(async (dir: string, { variant, texts, threads, json }: BenchOptions) => {
      const { benchModel } = await import('../../models/bench-model.js');
      const result = await benchModel({
        path: await resolveModel(context, dir),
        stop: context.stop,
        ...(variant === undefined ? {} : { variant }),
        ...(texts === undefined ? {} : { textsPath: await inputPath(context, texts) }),
        ...(threads === undefined ? {} : { threads }),
      });
      if (json === true) return context.stdout.json(result);
      const { machine, latency } = result;
      const { formatTable } = await import('../../console/table.js');
      await context.stdout.line(
        formatTable(
          ['', ''],
          [
            ['model', `${printable(result.modelId)}, ${result.variant}, space ${shortFingerprint(result.space)}`],
            [
              'machine',
              printable(
                `${machine.processor}, ${machine.processors} processors, ${result.threads} threads, Node ${machine.node}, ONNX Runtime ${machine.onnxRuntime}`,
              ),
            ],
            ['load', `${formatDuration(result.loadMilliseconds)}, probes included`],
            ['texts', `${formatCount(result.texts)} of ${formatCount(result.tokens)} tokens`],
            [
              'throughput',
              `${formatCount(result.tokensPerSecond)} tokens/s, ${formatCount(result.textsPerSecond)} texts/s`,
            ],
            ['latency alone', `p50 ${latency.p50.toFixed(1)} ms, p95 ${latency.p95.toFixed(1)} ms`],
            ['peak memory', formatBytes(result.peakMemoryBytes)],
          ],
        ).trimStart(),
      );
    });
}
