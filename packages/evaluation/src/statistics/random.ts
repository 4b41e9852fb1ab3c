// Looked up once: in a sandbox, such as a test runner's, each look-up of a global costs more than a draw.
const { imul, clz32 } = Math;

/** Uniform integers below 2³². Deterministic: the seed is the whole of it. */
export interface Random {
  /** Uniform in [0, 2³²). */
  next(): number;
  /** Uniform in [0, limit), without bias; limit is an integer in [1, 2³²]. */
  below(limit: number): number;
}

/**
 * xoshiro128** 1.1 (Blackman & Vigna, public domain; passes BigCrush; period 2¹²⁸ − 1) from its state, four words that
 * must not be all zero.
 */
export function randomFromState(state: readonly [number, number, number, number]): Random {
  const words = Int32Array.from(state, (word) => word | 0);
  const next = (): number => {
    const [a, b, c, d] = [words[0] as number, words[1] as number, words[2] as number, words[3] as number];
    const [mixedC, mixedD] = [c ^ a, d ^ b];
    words[0] = a ^ mixedD;
    words[1] = b ^ mixedC;
    words[2] = mixedC ^ (b << 9);
    words[3] = rotateLeft(mixedD, 11);
    return imul(rotateLeft(imul(b, 5), 7), 9) >>> 0;
  };
  const below = (limit: number): number => {
    if (limit === 1) return 0;
    // The upper bits as many as the limit needs, drawn again where they reach it.
    const unused = clz32(limit - 1);
    for (;;) {
      const value = next() >>> unused;
      if (value < limit) return value;
    }
  };
  return { next, below };
}

/**
 * The generator with its state filled from the seed (its low 32 bits) by SplitMix32: a Weyl sequence through
 * MurmurHash3's finaliser.
 */
export function createRandom(seed: number): Random {
  let counter = seed | 0;
  const word = (): number => {
    counter = (counter + 0x9e3779b9) | 0;
    let mixed = imul(counter ^ (counter >>> 16), 0x85ebca6b);
    mixed = imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  return randomFromState([word(), word(), word(), word()]);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
