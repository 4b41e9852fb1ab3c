import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  // The packages of this workspace from their sources, and onnxruntime-web without its WebAssembly inlined: the page
  // names those files itself.
  resolve: { conditions: ['@kimera/source', 'onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0 },
});
