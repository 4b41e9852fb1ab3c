import type { SpaceFile } from '@kimera/model-folder/pure';

/**
 * The files of the folder that a graph takes its weights from: those beside it whose names stand in it, since an ONNX
 * graph names its external data in plain bytes. Paths inside the model folder.
 */
export function weightFiles(graph: Uint8Array, graphName: string, files: SpaceFile['files']): readonly string[] {
  const beside = graphName.slice(0, graphName.lastIndexOf('/') + 1);
  // One character a byte, so that names can be searched for.
  const text = new TextDecoder('latin1').decode(graph);
  return Object.keys(files).filter(
    (name) => name.startsWith(beside) && !name.endsWith('.onnx') && text.includes(name.slice(beside.length)),
  );
}
