import { isStaticFolder, openStaticModel } from '@kimera/backend-light/node';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { Embedder, openEmbedder } from '@kimera/embedder';
import { chooseVariant } from '@kimera/model-folder';

export interface OpenModelOptions {
  readonly path: string;
  /** Default: the folder's first. */
  readonly variant: string | undefined;
}

/** The embedder of a model folder, on the native backend or from a static table; probes checked. @throws the folder's and the backend's errors. */
export async function openModel({ path, variant }: OpenModelOptions): Promise<Embedder> {
  if (await isStaticFolder(path)) return new Embedder(await openStaticModel({ path }));
  return openEmbedder({ modelPath: path, openBackend: (folder) => openOnnxBackend({ folder, variant: chooseVariant(folder, variant).name }) });
}
