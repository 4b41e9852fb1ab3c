import { resolve } from 'node:path';
import type { FolderInspection, InspectedPort, InspectedTensor, OnnxInspection, SafetensorsInspection } from '@kimera/converter';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';

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
    examples: ['models inspect ./models/minilm', 'models inspect ./models/minilm/onnx/model.onnx --tensors', 'models inspect ./all-MiniLM-L6-v2/model.safetensors --json'],
  });
  return withJson(command)
    .argument('<path>', 'model folder, checkpoint folder, .safetensors or .onnx file')
    .option('--tensors', 'list every tensor of every file (always in --json, and where a single file is given)')
    .action(async (path: string, { tensors, json }: InspectOptions) => {
      const { inspectPath } = await import('@kimera/converter');
      const inspection = await inspectPath(resolve(context.folder, path));
      if (json === true) return context.stdout.json(inspection);
      if (inspection.kind === 'onnx' || inspection.kind === 'safetensors') {
        await printPart(context, inspection);
        return printTensors(context, inspection.tensors);
      }
      await printFolder(context, inspection);
      for (const part of inspection.parts) {
        await context.stdout.line('');
        await printPart(context, part);
        if (tensors === true) await printTensors(context, part.tensors);
      }
    });
}

async function printFolder({ stdout }: CommandContext, { kind, path, bytes, files }: FolderInspection): Promise<void> {
  const { cell, formatTable } = await import('../../console/table.js');
  await stdout.line(`${printable(path)}: ${kind} folder, ${files.length} files, ${formatBytes(bytes)}`);
  await stdout.line(formatTable(['FILE', 'SIZE'], files.map((file) => [cell(file.name), formatBytes(file.bytes)]), [1]));
}

async function printPart(context: CommandContext, part: OnnxInspection | SafetensorsInspection): Promise<void> {
  await context.stdout.line(`${printable(part.path)}: ${part.kind}, ${formatBytes(part.bytes)}`);
  if (part.kind === 'onnx') await printGraph(context, part);
  else await printMetadata(context, part);
}

async function printGraph({ stdout, colors }: CommandContext, graph: OnnxInspection): Promise<void> {
  const opsets = Object.entries(graph.opsets).map(([domain, version]) => `${domain === '' ? 'ai.onnx' : domain} ${version}`);
  await stdout.line(printable(`IR version ${graph.irVersion}, opset ${opsets.join(', ')}, by ${graph.producer === '' ? 'an unnamed producer' : graph.producer}`));
  for (const port of graph.inputs) await stdout.line(`input   ${formatPort(port)}`);
  for (const port of graph.outputs) await stdout.line(`output  ${formatPort(port)}`);
  await stdout.line(printable(`${formatCount(graph.nodes)} nodes: ${Object.entries(graph.operators).map(([name, count]) => `${name} ${count}`).join(', ')}`));
  await stdout.line(summary(graph.tensors));
  for (const { name, needed, bytes } of graph.externalFiles) {
    const size = bytes === null ? colors.red('absent') : bytes < needed ? colors.red(`${formatBytes(bytes)}: too short`) : formatBytes(bytes);
    await stdout.line(`external data ${printable(name)}: ${formatBytes(needed)} needed, ${size}`);
  }
}

async function printMetadata({ stdout }: CommandContext, { metadata, tensors }: SafetensorsInspection): Promise<void> {
  for (const [key, value] of Object.entries(metadata)) await stdout.line(printable(`${key}: ${value.slice(0, 200)}`));
  await stdout.line(summary(tensors));
}

async function printTensors({ stdout }: CommandContext, tensors: readonly InspectedTensor[]): Promise<void> {
  const { cell, formatTable } = await import('../../console/table.js');
  if (tensors.length === 0) return;
  await stdout.line(formatTable(['TENSOR', 'TYPE', 'SHAPE', 'SIZE'], tensors.map(({ name, type, shape, bytes }) => [cell(name), cell(type), `[${shape.join(', ')}]`, formatBytes(bytes)]), [3]));
}

function formatPort({ name, type, shape }: InspectedPort): string {
  return printable(`${name}: ${type} [${shape.join(', ')}]`);
}

function summary(tensors: readonly InspectedTensor[]): string {
  const elements = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, dimension) => product * dimension, 1), 0);
  return `${formatCount(tensors.length)} tensors, ${formatCount(elements)} numbers, ${formatBytes(tensors.reduce((sum, { bytes }) => sum + bytes, 0))}`;
}
