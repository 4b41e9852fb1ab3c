import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder, type Embedder } from '@kimera/embedder';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const OLD_MODEL = join(ROOT, 'models/all-MiniLM-L6-v2');
export const LIGHT_MODEL = join(ROOT, 'models/static-minilm');
export const NEW_MODEL = join(ROOT, 'models/multilingual-e5-small');

/** A shipped model on the native backend. */
export function openModel(path: string): Promise<Embedder> {
  return openEmbedder({ modelPath: path, backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }] });
}
