import type { ReferenceOutput, ReferenceText } from '../reference/reference-model.js';

/** The slow parts of a conversion, which run beside each other where the model is large. */
export interface Background {
  /** SHA-256 of a file, lower-case hex. */
  hashFile(path: string): Promise<string>;
  /** The weights part of the identity of the checkpoint's space. */
  hashWeights(): Promise<string>;
  /** The forward pass over the checkpoint in float64. */
  embedAll(texts: readonly ReferenceText[]): Promise<readonly ReferenceOutput[]>;
  close(): Promise<void>;
}
