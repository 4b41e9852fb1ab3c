import { PairTable } from './pair-table.js';

/** A trie over UTF-16 units. An edge leads from a node by a unit to a node, and has the value of that node. */
export class Trie {
  readonly #edges = new PairTable();
  #nodes = 1;

  static readonly ROOT = 0;

  /** The last value, which is not negative, wins where a piece is added twice; the empty piece is not found. */
  add(piece: string, value: number): void {
    let node = Trie.ROOT;
    for (let i = 0; i < piece.length; i++) {
      const unit = piece.charCodeAt(i);
      const edge = this.edge(node, unit);
      const child = edge < 0 ? this.#nodes++ : this.child(edge);
      if (i === piece.length - 1) this.#edges.set(node, unit, child, value);
      else if (edge < 0) this.#edges.set(node, unit, child, -1);
      node = child;
    }
  }

  /** The edge from a node by a unit, or -1. */
  edge(node: number, unit: number): number {
    return this.#edges.find(node, unit);
  }

  /** The node that an edge leads to. */
  child(edge: number): number {
    return this.#edges.first(edge);
  }

  /** The value of the piece that ends with an edge, -1 where none ends. */
  value(edge: number): number {
    return this.#edges.second(edge);
  }
}
