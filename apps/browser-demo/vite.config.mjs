import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  // The packages of this workspace as built, and onnxruntime-web without its WebAssembly inlined: the page
  // names those files itself.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: { outDir: 'dist/page', target: 'es2022', assetsInlineLimit: 0 },
});
