import { shortFingerprint } from '@kimera/core';
import { formatBytes, formatCount, formatDuration } from '../console/format.js';
import { printable } from '../console/printable.js';
import { cell, formatTable } from '../console/table.js';
import type { BenchDocument } from './bench-folders.js';
import type { BenchResult } from './bench-model.js';

/** Figures as rows, precisions as columns. */
export function describeBench({ machine, models }: BenchDocument): string {
  const results = models.flatMap((model) => ('error' in model ? [] : [model]));
  const failures = models.flatMap((model) => ('error' in model ? [model] : []));
  const { processor, processors, node, onnxRuntime } = machine;
  return [
    printable(`${processor}, ${processors} processors, Node ${node}, ONNX Runtime ${onnxRuntime}`),
    ...(results.length === 0 ? [] : [tableOf(results)]),
    ...failures.map(
      ({ path, variant, error }) =>
        `${printable(path)}${variant === undefined ? '' : `, ${variant}`}: ${printable(error.message)}`,
    ),
  ].join('\n');
}

function tableOf(results: readonly BenchResult[]): string {
  const shapes = new Map(results.flatMap((result) => result.shapes.map((shape) => [nameOf(shape), shape] as const)));
  const row = (name: string, value: (result: BenchResult) => string): readonly string[] => [
    name,
    ...results.map(value),
  ];
  return formatTable(
    ['', ...results.map(({ modelId }) => cell(modelId, 40))],
    [
      row('space', ({ space }) => shortFingerprint(space)),
      row('precision', ({ variant, backend, threads }) => `${variant}, ${backend}, ${threads} threads`),
      row('load, probes included', ({ loadMilliseconds }) => formatDuration(loadMilliseconds)),
      row('first vector after', ({ firstVectorMilliseconds }) => formatDuration(firstVectorMilliseconds)),
      row('one text, p50 and p95', ({ latency: { p50, p95 } }) => `${p50.toFixed(1)}, ${p95.toFixed(1)} ms`),
      row(
        'texts together',
        ({ texts: { count, tokens, tokensPerSecond } }) =>
          `${formatCount(tokensPerSecond.median)} tokens/s (${count} texts, ${formatCount(tokens)} tokens)`,
      ),
      ...[...shapes.keys()].map((name) =>
        row(name, (result) => {
          const speed = result.shapes.find((shape) => nameOf(shape) === name)?.tokensPerSecond;
          return speed === undefined
            ? ''
            : `${formatCount(speed.median)} tokens/s (${formatCount(speed.least)} to ${formatCount(speed.most)})`;
        }),
      ),
      row('memory', ({ memoryBytes }) => formatBytes(memoryBytes)),
    ],
  );
}

function nameOf({ texts, tokens }: BenchResult['shapes'][number]): string {
  return `${texts} × ${formatCount(tokens)} tokens`;
}
