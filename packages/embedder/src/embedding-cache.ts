import type { Head, HeadsOfText, VariantName } from '@kimera/core';
import { LRUCache } from 'lru-cache';

/** The heads of one text, and what computed them. */
export interface TextOutput extends HeadsOfText {
  readonly variant: VariantName;
}

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Vectors and keys held. */
  readonly bytes: number;
}

/** Arguments of one call: engines limit them. */
const UNITS_A_CALL = 8_192;

/** Bytes of one text beside its numbers: an entry of the map and the objects in it. */
const ENTRY_BYTES = 200;

/** What of the model's outputs a call asks for, as one word: the same in whatever order the heads are named. */
export function outputsName(heads: readonly Head[], normalize: false | undefined): string {
  return `${[...heads].sort().join()}${normalize === false ? ',unnormalized' : ''}`;
}

/** What an output depends on in one space, beside the text's tokens. */
export interface OutputRequest {
  readonly heads: readonly Head[];
  /** `false`: the dense vector before its normalisation. */
  readonly normalize: false | undefined;
  /** Tokens at the head of the text that are the prompt's. */
  readonly promptTokens: number;
}

/**
 * The last outputs by token ids, heads, normalisation and prompt: all that an output depends on in one space. What goes in and comes
 * out are copies.
 */
export class EmbeddingCache {
  #hits = 0;
  #misses = 0;
  readonly #entries: LRUCache<string, TextOutput> | undefined;

  /** @param bytes 0 keeps nothing. */
  constructor(bytes: number) {
    this.#entries =
      bytes === 0
        ? undefined
        : new LRUCache({
            maxSize: bytes,
            sizeCalculation: (output, key) => ENTRY_BYTES + 2 * key.length + outputBytes(output),
          });
  }

  get stats(): CacheStats {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#entries?.calculatedSize ?? 0 };
  }

  /** Undefined also where it is of another variant. */
  get(ids: Int32Array, request: OutputRequest, variant: VariantName): TextOutput | undefined {
    if (this.#entries === undefined) return undefined;
    const found = this.#entries.get(keyOf(ids, request));
    if (found?.variant !== variant) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    return copied(found);
  }

  set(ids: Int32Array, request: OutputRequest, output: TextOutput): void {
    this.#entries?.set(keyOf(ids, request), copied(output));
  }
}

/** The ids stand in it as two UTF-16 units each: ten times as fast as writing numbers, which a large call would feel. */
function keyOf(ids: Int32Array, { heads, normalize, promptTokens }: OutputRequest): string {
  let key = `${outputsName(heads, normalize)}|${promptTokens}|`;
  const units = new Uint16Array(ids.buffer, ids.byteOffset, 2 * ids.length);
  for (let from = 0; from < units.length; from += UNITS_A_CALL)
    key += String.fromCharCode(...units.subarray(from, from + UNITS_A_CALL));
  return key;
}

function copied({ dense, sparse, colbert, variant }: TextOutput): TextOutput {
  return {
    ...(dense === undefined ? {} : { dense: dense.slice() }),
    ...(sparse === undefined ? {} : { sparse: new Map(sparse) }),
    ...(colbert === undefined ? {} : { colbert: colbert.slice() }),
    variant,
  };
}

/** An entry of a map takes some 40 bytes. */
function outputBytes({ dense, sparse, colbert }: TextOutput): number {
  return (dense?.byteLength ?? 0) + (sparse?.size ?? 0) * 40 + (colbert?.byteLength ?? 0);
}
