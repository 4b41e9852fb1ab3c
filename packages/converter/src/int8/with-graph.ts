import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceBackend } from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder';
import type { OpenBackend } from '../fidelity/fidelity.js';
import { OPSET, type OnnxGraph } from '@kimera/onnx-file';

const GRAPH = 'onnx/measured.onnx';

/** Runs a graph in place of the base variant's: it is written beside it, opened, and removed again. */
export async function withGraph<T>(
  folder: ModelFolder,
  graph: OnnxGraph,
  openBackend: OpenBackend,
  use: (backend: InferenceBackend) => Promise<T>,
): Promise<T> {
  const path = join(folder.path, GRAPH);
  const variants = folder.file.variants.slice(0, 1).map((variant) => ({ ...variant, graphs: { fast: GRAPH } }));
  await writeFile(path, graph.serialize('measured', OPSET));
  try {
    const backend = await openBackend({ ...folder, file: { ...folder.file, variants } }, variants[0]?.name ?? 'fp32');
    return await use(backend).finally(() => backend.close());
  } finally {
    await rm(path, { force: true });
  }
}
