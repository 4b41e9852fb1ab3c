import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { ReferenceText } from '../reference/reference-model.js';

export interface WorkerData {
  /** Folder of the checkpoint. */
  readonly checkpoint: string;
  readonly heads: Checkpoint['heads'];
  /** Names of files whose hash is known. */
  readonly vouched: readonly string[];
}
export type BackgroundRequest =
  | { readonly kind: 'hash-file'; readonly path: string }
  | { readonly kind: 'hash-weights' }
  | { readonly kind: 'embed'; readonly texts: readonly ReferenceText[] };
