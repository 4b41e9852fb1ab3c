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

/** Bytes of one text beside its numbers: an entry of the map and the objects in it. */
const ENTRY_BYTES = 200;

/**
 * The last outputs by token ids, heads and prompt: all that an output depends on in one space. What goes in and comes
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
            sizeCalculation: (output, key) => ENTRY_BYTES + key.length + outputBytes(output),
          });
  }

  get stats(): CacheStats {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#entries?.calculatedSize ?? 0 };
  }

  /** Undefined also where it is of another variant. */
  get(ids: Int32Array, heads: readonly Head[], promptTokens: number, variant: VariantName): TextOutput | undefined {
    if (this.#entries === undefined) return undefined;
    const found = this.#entries.get(keyOf(ids, heads, promptTokens));
    if (found?.variant !== variant) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    return copied(found);
  }

  set(ids: Int32Array, heads: readonly Head[], promptTokens: number, output: TextOutput): void {
    this.#entries?.set(keyOf(ids, heads, promptTokens), copied(output));
  }
}

function keyOf(ids: Int32Array, heads: readonly Head[], promptTokens: number): string {
  return `${[...heads].sort().join()}|${promptTokens}|${ids.join()}`;
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
