import { architectureOf } from '../architectures/index.js';
import { openCheckpoint, type OpenCheckpointOptions } from '../checkpoint/checkpoint.js';
import { ReferenceModel } from './reference-model.js';

/** The caller closes `checkpoint.tensors`. @throws as openCheckpoint and ReferenceModel. */
export async function openReferenceModel(folder: string, options?: OpenCheckpointOptions): Promise<ReferenceModel> {
  const checkpoint = await openCheckpoint(folder, options);
  try {
    return new ReferenceModel(checkpoint, architectureOf(checkpoint));
  } catch (error) {
    await checkpoint.tensors.close();
    throw error;
  }
}
