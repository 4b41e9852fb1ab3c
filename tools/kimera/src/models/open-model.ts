import type { VariantName } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';

export interface OpenModelOptions {
  readonly path: string;
  /** Default: the folder's first. */
  readonly variant: string | undefined;
}

/** The embedder of a model folder on the native backend, probes checked. @throws the folder's and the backend's errors. */
export async function openModel({ path, variant }: OpenModelOptions): Promise<Embedder> {
  const [{ openOnnxBackend }, { openEmbedder }, { chooseVariant }] = await Promise.all([import('@kimera/backend-onnx'), import('@kimera/embedder'), import('@kimera/model-folder')]);
  return openEmbedder({
    modelPath: path,
    openBackend: (folder) => {
      const name: VariantName = chooseVariant(folder, variant).name;
      return openOnnxBackend({ folder, variant: name });
    },
  });
}
