/**
 * 32-bit hash of a text: FNV-1a over its UTF-8 bytes, started from the offset basis XOR the seed, then the finaliser of
 * MurmurHash3 (fmix32), which spreads every bit over all of the result. The same number in every language. @param text
 * well-formed.
 */
export function hashText(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  const add = (byte: number): void => {
    hash = Math.imul(hash ^ byte, 0x01000193);
  };
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) ?? 0;
    if (point > 0xffff) i += 1;
    if (point < 0x80) {
      add(point);
      continue;
    }
    // The lead byte has as many ones as there are bytes; the others six bits each.
    if (point < 0x800) add(0xc0 | (point >> 6));
    else {
      if (point < 0x10000) add(0xe0 | (point >> 12));
      else {
        add(0xf0 | (point >> 18));
        add(0x80 | ((point >> 12) & 0x3f));
      }
      add(0x80 | ((point >> 6) & 0x3f));
    }
    add(0x80 | (point & 0x3f));
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
