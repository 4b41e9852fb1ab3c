import type { ReferenceModel, ReferenceOutput, ReferenceText } from '../reference/reference-model.js';

/** Slow parts of a conversion, which run in a thread of their own where the model is large. */
export interface Background {
  /** SHA-256 of a file, lower-case hex. */
  hashFile(path: string): Promise<string>;
  /** @see tokenizerIdentity */
  identifyTokenizer(json: string): Promise<string>;
  /** The forward pass over the checkpoint in float64, whose checksums are not looked at. */
  embedAll(model: ReferenceModel, texts: readonly ReferenceText[]): Promise<readonly ReferenceOutput[]>;
  /** Once more does nothing. */
  close(): Promise<void>;
}
