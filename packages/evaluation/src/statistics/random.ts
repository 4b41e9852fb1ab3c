/** Uniform integers below 2³². Deterministic: the seed is the whole of it. */
export interface Random {
  /** Uniform in [0, 2³²). */
  next(): number;
  /** Uniform in [0, limit), without bias; limit is an integer in [1, 2³²]. */
  below(limit: number): number;
}

type State = [number, number, number, number];

/** xoshiro128** 1.1 (Blackman & Vigna, public domain; passes BigCrush; period 2¹²⁸ − 1) from its state, which must not be all zero. */
export function randomFromState(state: Readonly<State>): Random {
  let [a, b, c, d] = state.map((word) => word >>> 0) as State;
  const next = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
  const below = (limit: number): number => {
    const top = 2 ** 32 - (2 ** 32 % limit);
    for (;;) {
      const value = next();
      if (value < top) return value % limit;
    }
  };
  return { next, below };
}

/** The generator with its state filled from the seed (its low 32 bits) by SplitMix32: a Weyl sequence through MurmurHash3's finaliser. */
export function createRandom(seed: number): Random {
  let counter = seed | 0;
  const word = (): number => {
    counter = (counter + 0x9e3779b9) | 0;
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  return randomFromState([word(), word(), word(), word()]);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
