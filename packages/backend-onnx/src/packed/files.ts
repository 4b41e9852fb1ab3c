import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Of an entry of the cache. */
export const GRAPH_FILE = 'model.onnx';
export const WEIGHTS_FILE = 'model.onnx_data';

/** Of a graph and its weights: another one after any write. */
export async function identityOf(graphPath: string): Promise<string> {
  const files = [graphPath, join(graphPath, '..', WEIGHTS_FILE)];
  const states = await Promise.all(files.map((path) => stat(path, { bigint: true })));
  return states.map(({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(':')).join(' ');
}
