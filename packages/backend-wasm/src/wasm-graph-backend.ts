import type { BackendOutput, HeadRequest, TokenBatch } from '@kimera/core';
import { GraphBackend, type GraphRunner } from '@kimera/fast-graph';
import type { ModelFolder, SpaceFileVariant } from '@kimera/model-folder/pure';
import { WasmTextLengthError } from './errors.js';

/** Tokens of one run of several texts: memory grows with it, and never shrinks; speed no longer does. */
export const WASM_RUN_TOKENS = 1_024;

export interface WasmGraphBackendParts<Runner extends GraphRunner> {
  readonly folder: ModelFolder;
  readonly variant: SpaceFileVariant;
  readonly runner: Runner;
  /** Tokens. */
  readonly longestText: number;
}

/** The fast graph in WebAssembly, whose memory may hold the model but not every text that the space takes. */
export class WasmGraphBackend<Runner extends GraphRunner = GraphRunner> extends GraphBackend<Runner> {
  readonly longestText: number;

  constructor({ folder, variant, runner, longestText }: WasmGraphBackendParts<Runner>) {
    super({ name: 'wasm', folder, variant, runner, tokensOfARun: WASM_RUN_TOKENS });
    this.longestText = longestText;
  }

  /** @throws WasmTextLengthError, and as GraphBackend. */
  override async run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
    if (this.longestText < this.space.maxTokens) {
      const longest = batch.offsets.reduce(
        (most, end, i) => Math.max(most, i === 0 ? 0 : end - (batch.offsets[i - 1] ?? 0)),
        0,
      );
      if (longest > this.longestText && longest <= this.space.maxTokens)
        throw new WasmTextLengthError(longest, this.longestText);
    }
    return super.run(batch, request);
  }
}
