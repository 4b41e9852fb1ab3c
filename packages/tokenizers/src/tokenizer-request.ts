import {
  type BatchEncoding,
  type BatchTokenizer,
  type EncodeOptions,
  type TokenColumns,
  tokenColumns,
  type Tokenizer,
} from '@kimera/core';
import { encodeBatch } from './encode-batch.js';

/** What a worker starts with: a tokenizer.json, and its path for messages. */
export interface TokenizerData {
  readonly path: string;
  /** Shared with the caller's thread. */
  readonly bytes: SharedArrayBuffer;
}

/** What a worker is asked. Structured-cloneable. */
export type TokenizerRequest =
  | { readonly kind: 'encode'; readonly texts: readonly string[]; readonly options: EncodeOptions }
  | {
      readonly kind: 'columns';
      readonly texts: readonly string[];
      readonly options: Parameters<BatchTokenizer['tokenColumns']>[1];
    }
  | {
      readonly kind: 'decode';
      readonly lists: readonly Int32Array[];
      readonly options: Parameters<BatchTokenizer['decodeBatch']>[1];
    };

/** A BatchEncoding, TokenColumns[] or string[], by the kind of the request; and the memory that goes with it. */
export interface TokenizerResponse {
  readonly response: BatchEncoding | readonly TokenColumns[] | readonly string[];
  readonly transfer: readonly ArrayBuffer[];
}

export function answer(tokenizer: Tokenizer, request: TokenizerRequest): TokenizerResponse {
  switch (request.kind) {
    case 'encode': {
      const response = encodeBatch(tokenizer, request.texts, request.options);
      return { response, transfer: buffersOf([response.batch.ids, response.batch.offsets]) };
    }
    case 'columns': {
      const response = request.texts.map((text) => tokenColumns(tokenizer, text, request.options));
      return { response, transfer: buffersOf(response.flatMap(({ ids, starts, stops }) => [ids, starts, stops])) };
    }
    case 'decode':
      return { response: request.lists.map((ids) => tokenizer.decode(ids, request.options)), transfer: [] };
  }
}

function buffersOf(arrays: readonly Int32Array[]): readonly ArrayBuffer[] {
  return arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
}
