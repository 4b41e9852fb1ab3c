import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { tokenBatch, type VariantName } from '@kimera/core';
import { openModelFolder, type ModelFolder } from '@kimera/model-folder';
import { rejection } from '@kimera/testing';
import { WasmTextLengthError } from './index.js';
import { wasmFit, WASM_MEMORY_LIMIT, type WasmFit } from './wasm-fit.js';
import { WasmGraphBackend } from './wasm-graph-backend.js';

let tiny: ModelFolder;
beforeAll(async () => {
  tiny = await openModelFolder(join(fileURLToPath(import.meta.url), '../../../../fixtures/models/bge-m3-tiny'));
});

/** bge-m3-tiny in the sizes of another model; its graph takes its weights from onnx/model.onnx_data. */
function sized(fields: {
  readonly bytes: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly attentionHeads: number;
  readonly maxTokens: number;
}): ModelFolder {
  const { bytes, maxTokens, ...architecture } = fields;
  return {
    ...tiny,
    space: { ...tiny.space, maxTokens },
    file: {
      ...tiny.file,
      architecture: { ...tiny.file.architecture, ...architecture },
      files: { ...tiny.file.files, 'onnx/model.onnx_data': { bytes, sha256: '' } },
    },
  };
}
const bgeM3 = { bytes: 2_273_000_000, layers: 24, hiddenSize: 1024, attentionHeads: 16, maxTokens: 8192 };
function fit(folder: ModelFolder, name: VariantName = 'fp32'): WasmFit {
  const [variant] = folder.file.variants;
  if (variant === undefined) throw new Error('no variant');
  return wasmFit(folder, { ...variant, name }, new TextEncoder().encode('\u000aweights\u0010model.onnx_data\u0001'));
}

describe('what fits into WebAssembly', () => {
  it('is bge-m3 in float32, as measured, with texts of up to 4,095 tokens', () => {
    expect(fit(sized(bgeM3))).toEqual({ needed: expect.any(Number), longestText: 4_095 });
    expect(fit(sized(bgeM3)).needed).toBeLessThan(2_750_000_000);
  });

  it('is all that small models take, and of large ones less text the more they weigh', () => {
    expect(
      fit(sized({ bytes: 91_000_000, layers: 6, hiddenSize: 384, attentionHeads: 12, maxTokens: 256 })).longestText,
    ).toBe(256);
    const heavier = fit(sized({ ...bgeM3, bytes: 3_000_000_000 })).longestText;
    expect(heavier).toBeGreaterThan(2_000);
    expect(heavier).toBeLessThan(4_095);
    expect(fit(sized({ ...bgeM3, bytes: 3_700_000_000 }))).toEqual({ needed: expect.any(Number), longestText: 0 });
    expect(fit(sized({ ...bgeM3, bytes: 3_700_000_000 })).needed).toBeGreaterThan(WASM_MEMORY_LIMIT);
  });

  it('counts weights as wide as they become in memory', () => {
    const folder = sized({ ...bgeM3, bytes: 1_500_000_000 });
    expect([
      fit(folder, 'int8').longestText > 0,
      fit(folder, 'fp16').longestText > 0,
      fit(folder, 'q4').longestText > 0,
    ]).toEqual([true, true, false]);
  });
});

it('a longer text is refused with both lengths, and the next one is answered', async () => {
  const [variant] = tiny.file.variants;
  if (variant === undefined) throw new Error('no variant');
  const runner = {
    call: () => Promise.resolve({ dense: new Float32Array(tiny.space.dimension) }),
    close: () => Promise.resolve(),
  };
  const backend = new WasmGraphBackend({ folder: tiny, variant, runner, longestText: 10 });
  const text = (tokens: number): Promise<unknown> =>
    backend.run(tokenBatch([[5], new Int32Array(tokens).fill(5)]), { heads: ['dense'] });
  const refusal = await rejection(() => text(11));
  expect(refusal).toBeInstanceOf(WasmTextLengthError);
  expect(refusal).toMatchObject({
    code: 'WASM_TEXT_LENGTH',
    tokens: 11,
    limit: 10,
    message: expect.stringMatching(/11 tokens.* 10/),
  });
  expect(await text(10)).toMatchObject({ dense: expect.any(Float32Array) });
  expect(await rejection(() => text(tiny.space.maxTokens + 1))).toMatchObject({ code: 'INVALID_TOKEN_BATCH' });
});
