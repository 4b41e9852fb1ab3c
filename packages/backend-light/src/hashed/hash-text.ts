const encoder = new TextEncoder();

/**
 * 32-bit hash of a text: FNV-1a over its UTF-8 bytes, started from the offset basis XOR the seed, then the finaliser of MurmurHash3 (fmix32), which
 * spreads every bit over all of the result. The same number in every language.
 */
export function hashText(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}
