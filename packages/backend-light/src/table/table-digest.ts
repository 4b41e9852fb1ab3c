import { sha256Hex } from '@kimera/core';
import type { TokenTable } from './token-table.js';

/**
 * How the table is read, part of the names under which it is digested. `static`: all of a text's tokens, special ones
 * included, as the tokenizer gives them. `model2vec`: no special tokens are put around a text and unknown tokens are
 * left out.
 */
export type TableConvention = 'static' | 'model2vec';

/**
 * The `weights` part of a space's identity (docs/fingerprint.md): SHA-256 over the table's tensors by canonical name,
 * their numbers as float32.
 */
export async function tableDigest(
  { dimension, vocabularySize, rows, mapping, weights }: TokenTable,
  convention: TableConvention,
): Promise<string> {
  const parts = [
    { name: 'embeddings', shape: [rows.length / dimension, dimension], at: (i: number): number => rows[i] as number },
    ...(mapping === undefined
      ? []
      : [{ name: 'mapping', shape: [vocabularySize], at: (i: number): number => mapping[i] as number }]),
    ...(weights === undefined
      ? []
      : [{ name: 'weights', shape: [vocabularySize], at: (i: number): number => weights[i] as number }]),
  ].map((part) => ({
    ...part,
    head: new TextEncoder().encode(`${convention}.${part.name}\n${part.shape.join('x')}\n`),
    count: part.shape.reduce((product, size) => product * size, 1),
  }));
  const bytes = new Uint8Array(parts.reduce((sum, { head, count }) => sum + head.length + count * 4, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const { head, count, at } of parts) {
    bytes.set(head, offset);
    offset += head.length;
    for (let i = 0; i < count; i++) view.setFloat32(offset + i * 4, at(i), true);
    offset += count * 4;
  }
  return sha256Hex(bytes);
}
