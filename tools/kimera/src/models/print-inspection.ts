import { inspectPath, type FolderInspection } from '@kimera/converter';
import type { InspectedPort, InspectedTensor, OnnxInspection } from '@kimera/onnx-file';
import type { SafetensorsInspection } from '@kimera/tensor-file';
import type { CommandContext } from '../console/command-context.js';
import { formatBytes, formatCount } from '../console/format.js';
import { printable } from '../console/printable.js';
import { cell, formatTable } from '../console/table.js';
import { describeFolder } from './describe-space.js';

export interface PrintInspectionOptions {
  readonly path: string;
  /** A summary of a single file lists its tensors too. */
  readonly format: 'json' | 'summary' | 'every tensor';
}

/** @throws inspectPath's errors. */
export async function printInspection(
  context: CommandContext,
  { path, format }: PrintInspectionOptions,
): Promise<void> {
  const inspection = await inspectPath(path);
  const description = inspection.kind === 'model' ? await describeFolder(path).catch(() => undefined) : undefined;
  if (format === 'json')
    return context.stdout.json({ ...inspection, ...(description === undefined ? {} : { description }) });
  if (inspection.kind === 'onnx' || inspection.kind === 'safetensors') {
    await printPart(context, inspection);
    return printTensors(context, inspection.tensors);
  }
  await printFolder(context, inspection);
  if (description !== undefined) await context.stdout.line(description);
  for (const part of inspection.parts) {
    await context.stdout.line('');
    await printPart(context, part);
    if (format === 'every tensor') await printTensors(context, part.tensors);
  }
}

async function printFolder({ stdout }: CommandContext, { kind, path, bytes, files }: FolderInspection): Promise<void> {
  await stdout.line(`${printable(path)}: ${kind} folder, ${files.length} files, ${formatBytes(bytes)}`);
  await stdout.line(
    formatTable(
      ['FILE', 'SIZE'],
      files.map((file) => [cell(file.name), formatBytes(file.bytes)]),
      [1],
    ),
  );
}

async function printPart(context: CommandContext, part: OnnxInspection | SafetensorsInspection): Promise<void> {
  await context.stdout.line(`${printable(part.path)}: ${part.kind}, ${formatBytes(part.bytes)}`);
  if (part.kind === 'onnx') await printGraph(context, part);
  else await printMetadata(context, part);
}

async function printGraph({ stdout, colors }: CommandContext, graph: OnnxInspection): Promise<void> {
  const opsets = Object.entries(graph.opsets).map(
    ([domain, version]) => `${domain === '' ? 'ai.onnx' : domain} ${version}`,
  );
  await stdout.line(
    printable(
      `IR version ${graph.irVersion}, opset ${opsets.join(', ')}, by ${graph.producer === '' ? 'an unnamed producer' : graph.producer}`,
    ),
  );
  for (const port of graph.inputs) await stdout.line(`input   ${formatPort(port)}`);
  for (const port of graph.outputs) await stdout.line(`output  ${formatPort(port)}`);
  await stdout.line(
    printable(
      `${formatCount(graph.nodes)} nodes: ${Object.entries(graph.operators)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')}`,
    ),
  );
  await stdout.line(summary(graph.tensors));
  for (const { name, needed, bytes } of graph.externalFiles) {
    const size =
      bytes === null
        ? colors.red('absent')
        : bytes < needed
          ? colors.red(`${formatBytes(bytes)}: too short`)
          : formatBytes(bytes);
    await stdout.line(`external data ${printable(name)}: ${formatBytes(needed)} needed, ${size}`);
  }
}

async function printMetadata({ stdout }: CommandContext, { metadata, tensors }: SafetensorsInspection): Promise<void> {
  for (const [key, value] of Object.entries(metadata)) await stdout.line(printable(`${key}: ${value.slice(0, 200)}`));
  await stdout.line(summary(tensors));
}

async function printTensors({ stdout }: CommandContext, tensors: readonly InspectedTensor[]): Promise<void> {
  if (tensors.length === 0) return;
  await stdout.line(
    formatTable(
      ['TENSOR', 'TYPE', 'SHAPE', 'SIZE'],
      tensors.map(({ name, type, shape, bytes }) => [
        cell(name),
        cell(type),
        `[${shape.join(', ')}]`,
        formatBytes(bytes),
      ]),
      [3],
    ),
  );
}

function formatPort({ name, type, shape }: InspectedPort): string {
  return printable(`${name}: ${type} [${shape.join(', ')}]`);
}

function summary(tensors: readonly InspectedTensor[]): string {
  const elements = tensors.reduce(
    (sum, { shape }) => sum + shape.reduce((product, dimension) => product * dimension, 1),
    0,
  );
  return `${formatCount(tensors.length)} tensors, ${formatCount(elements)} numbers, ${formatBytes(tensors.reduce((sum, { bytes }) => sum + bytes, 0))}`;
}
