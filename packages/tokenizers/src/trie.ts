/**
 * A trie over UTF-16 units in flat arrays: edges live in one open-addressing hash table keyed by (node, unit), so that
 * 250,000 pieces take about 20 MB and a step is one probe.
 */
export class Trie {
  #size: number;
  #mask: number;
  #nodes: Int32Array;
  #units: Uint16Array;
  #children: Int32Array;
  /** Value of a node, -1 where no piece ends. */
  #values: Int32Array;
  #count = 1;

  constructor(expectedUnits: number) {
    this.#size = 1 << Math.max(8, Math.ceil(Math.log2(expectedUnits * 1.6 + 1)));
    this.#mask = this.#size - 1;
    this.#nodes = new Int32Array(this.#size).fill(-1);
    this.#units = new Uint16Array(this.#size);
    this.#children = new Int32Array(this.#size);
    this.#values = new Int32Array(expectedUnits + 2).fill(-1);
  }

  static readonly ROOT = 0;

  /** The last value wins where a piece is added twice. */
  add(piece: string, value: number): void {
    let node = Trie.ROOT;
    for (let i = 0; i < piece.length; i++) node = this.#stepOrAdd(node, piece.charCodeAt(i));
    this.#values[node] = value;
  }

  /** The child, or -1. */
  step(node: number, unit: number): number {
    let slot = this.#hash(node, unit);
    for (;;) {
      const owner = this.#nodes[slot] as number;
      if (owner === -1) return -1;
      if (owner === node && this.#units[slot] === unit) return this.#children[slot] as number;
      slot = (slot + 1) & this.#mask;
    }
  }

  value(node: number): number {
    return this.#values[node] as number;
  }

  #stepOrAdd(node: number, unit: number): number {
    let slot = this.#hash(node, unit);
    while (this.#nodes[slot] !== -1) {
      if (this.#nodes[slot] === node && this.#units[slot] === unit) return this.#children[slot] as number;
      slot = (slot + 1) & this.#mask;
    }
    this.#nodes[slot] = node;
    this.#units[slot] = unit;
    const child = this.#count++;
    this.#children[slot] = child;
    return child;
  }

  #hash(node: number, unit: number): number {
    let hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b);
    hash ^= hash >>> 15;
    return Math.imul(hash, 0x2c1b3c6d) & this.#mask;
  }
}
