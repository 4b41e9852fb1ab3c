import { openBrowserModel } from '@kimera/backend-wasm/browser';
import { KimeraError, reasonOf } from '@kimera/core';
import { Embedder } from '@kimera/embedder/pure';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import type { EmbedRequest, WorkerAnswer } from './protocol.js';

const absolute = (url: string): string => new URL(url, location.href).href;
const answer = (message: WorkerAnswer): void => postMessage(message);
const failed = (error: unknown): void =>
  answer({
    kind: 'failed',
    code: error instanceof KimeraError ? error.code : 'INTERNAL',
    message: reasonOf(error),
  });

/** Embeds off the page's thread. */
try {
  const started = performance.now();
  const model = await openBrowserModel({
    url: absolute('/model'),
    runtimeFiles: { mjs: absolute(mjs), wasm: absolute(wasm) },
  });
  const embedder = new Embedder(model);
  onmessage = ({ data: { texts } }: MessageEvent<EmbedRequest>): void => {
    const asked = performance.now();
    embedder
      .encodeBatch(texts)
      .then((embeddings) => answer({ kind: 'embedded', embeddings, milliseconds: performance.now() - asked }), failed);
  };
  const { modelId, fingerprint } = embedder.space;
  answer({
    kind: 'ready',
    modelId,
    space: fingerprint,
    variant: model.backend.variant.name,
    milliseconds: performance.now() - started,
  });
} catch (error) {
  failed(error);
}
