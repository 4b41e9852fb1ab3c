import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { ReferenceText } from '../reference/reference-model.js';

export type BackgroundRequest =
  | { readonly kind: 'hash-file'; readonly path: string }
  | { readonly kind: 'identify-tokenizer'; readonly json: string }
  | ({ readonly kind: 'embed'; readonly texts: readonly ReferenceText[] } & Pick<Checkpoint, 'folder' | 'heads'>);
