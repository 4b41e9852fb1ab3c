import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder, type Embedder } from '@kimera/embedder';
import { chooseVariant } from '@kimera/model-folder';

export interface OpenModelOptions {
  readonly path: string;
  /** Default: the folder's first. */
  readonly variant: string | undefined;
}

/** The embedder of a model folder on the native backend, probes checked. @throws the folder's and the backend's errors. */
export async function openModel({ path, variant }: OpenModelOptions): Promise<Embedder> {
  return openEmbedder({ modelPath: path, backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder, variant: chooseVariant(folder, variant).name }) }] });
}
