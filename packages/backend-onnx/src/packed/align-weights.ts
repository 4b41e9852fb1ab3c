import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type ExternalPlace, moveExternalData } from '@kimera/onnx-file';
import { GRAPH_FILE, WEIGHTS_FILE } from './files.js';

/**
 * Kernels read packed weights with instructions that need such an address, and onnxruntime-node 1.30 writes those of
 * less than a megabyte behind each other: on a processor with AVX2 the process ends where one lies elsewhere.
 */
const ALIGNMENT = 64;
/** From a megabyte on: where Windows can map a file. Every other system can there too. */
const LARGE_ALIGNMENT = 65_536;
const LARGE_BYTES = 1 << 20;
const CHUNK_BYTES = 1 << 20;

/** Copies a graph and its weights to another folder, each tensor at an address that kernels can read. */
export function alignWeights(from: string, to: string): void {
  const graph = readFileSync(join(from, GRAPH_FILE));
  const lengths = new Map<number, number>();
  moveExternalData(graph, ({ offset, length }) => {
    lengths.set(offset, Math.max(length, lengths.get(offset) ?? 0));
    return offset;
  });
  const places = [...lengths].sort(([a], [b]) => a - b).map(([offset, length]) => ({ offset, length }));
  const moved = new Map<number, number>();
  let end = 0;
  for (const { offset, length } of places) {
    const start = roundUp(end, length > LARGE_BYTES ? LARGE_ALIGNMENT : ALIGNMENT);
    moved.set(offset, start);
    end = start + length;
  }
  copyTensors(join(from, WEIGHTS_FILE), join(to, WEIGHTS_FILE), places, moved);
  writeFileSync(
    join(to, GRAPH_FILE),
    moveExternalData(graph, ({ offset }) => moved.get(offset) ?? offset),
    { mode: 0o600 },
  );
}

function copyTensors(
  from: string,
  to: string,
  places: readonly ExternalPlace[],
  moved: ReadonlyMap<number, number>,
): void {
  const [source, target] = [openSync(from, 'r'), openSync(to, 'wx', 0o600)];
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    for (const { offset, length } of places)
      for (let at = 0; at < length;) {
        const bytes = readSync(source, chunk, 0, Math.min(CHUNK_BYTES, length - at), offset + at);
        if (bytes === 0) throw new Error(`${from} ends before byte ${offset + length}`);
        writeAll(target, chunk.subarray(0, bytes), (moved.get(offset) ?? 0) + at);
        at += bytes;
      }
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
