import type { VariantName } from '@kimera/core';
import type { ModelFolder, SpaceFileVariant } from '@kimera/model-folder/pure';
import { WASM_RUN_TOKENS } from './wasm-graph-backend.js';
import { weightFiles } from './weight-files.js';

/**
 * Bytes. Addresses of WebAssembly have 32 bits: 65,536 pages of 64 KiB, the maximum that onnxruntime-web 1.30 asks for
 * (ort-wasm-simd-threaded.mjs).
 */
export const WASM_MEMORY_LIMIT = 65_536 * 65_536;

/** A variant that cannot take a text of this many tokens does not fit: most models end here. */
const LEAST_TOKENS = 512;

/**
 * Bytes in memory for a byte on disk: at loading ONNX Runtime widens weights to float32, but those of 8 bits, which its
 * kernels multiply as they are.
 */
const WIDENING: Readonly<Record<VariantName, number>> = { fp32: 1, int8: 1, fp16: 2, q4: 8 };

// The next three are measured: docs/decisions/2026-11-25-wasm-backend.md.
/** Bytes in memory for a byte of widened weights: matrices are packed for their product one by one. */
const PACKING = 1.15;
/**
 * Numbers that a token takes at a time, in multiples of the hidden size: queries, keys, values, residuals, the
 * feed-forward network in and out.
 */
const WIDTHS_OF_A_TOKEN = 16;
/**
 * Without flash attention, which this build does not have, a run holds every head's T · T scores; their cost, 2 · T · T
 * · (size of a head), is reckoned in 32 signed bits.
 */
const COST_LIMIT = 2 ** 31 - 1;

export interface WasmFit {
  /** Bytes with a text of the least length that a variant must take. */
  readonly needed: number;
  /**
   * Tokens of the longest text that can be run: the space's limit where nothing stands against it; 0 where the variant
   * does not fit.
   */
  readonly longestText: number;
}

/** Whether a variant fits into WebAssembly, and texts of which length do. @param graph of the variant's fast graph. */
export function wasmFit({ file, space }: ModelFolder, { name, graphs }: SpaceFileVariant, graph: Uint8Array): WasmFit {
  const { hiddenSize, attentionHeads } = file.architecture;
  const onDisk = weightFiles(graph, graphs.fast, file.files).reduce(
    (sum, weights) => sum + (file.files[weights]?.bytes ?? 0),
    0,
  );
  const loaded = onDisk * WIDENING[name] * PACKING;
  const needed = (tokens: number): number =>
    Math.ceil(
      loaded +
        Float32Array.BYTES_PER_ELEMENT *
          (Math.max(tokens, WASM_RUN_TOKENS) * WIDTHS_OF_A_TOKEN * hiddenSize +
            attentionHeads * tokens * Math.max(tokens, WASM_RUN_TOKENS)),
    );
  const runs = (tokens: number): boolean =>
    needed(tokens) <= WASM_MEMORY_LIMIT && (2 * tokens * tokens * hiddenSize) / attentionHeads <= COST_LIMIT;
  let longestText = space.maxTokens;
  while (longestText > 0 && !runs(longestText)) longestText -= 1;
  const least = Math.min(LEAST_TOKENS, space.maxTokens);
  return { needed: needed(least), longestText: longestText < least ? 0 : longestText };
}
