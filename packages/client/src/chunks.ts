export interface ChunkOptions {
  /** Texts of one request at most. Default 256; the server takes 2,048. */
  readonly chunkTexts?: number;
  /** Characters of one request at most, but for a longer text, which goes alone. Default 1,000,000: below 8 MB as JSON. */
  readonly chunkCharacters?: number;
  /** Requests at a time. Default 4. */
  readonly concurrency?: number;
}

/** Neighbours stay together, in order. */
export function chunksOf(
  texts: readonly string[],
  { chunkTexts, chunkCharacters }: Required<Pick<ChunkOptions, 'chunkTexts' | 'chunkCharacters'>>,
): readonly (readonly string[])[] {
  const chunks: string[][] = [];
  let characters = 0;
  for (const text of texts) {
    const last = chunks.at(-1);
    if (last === undefined || last.length >= chunkTexts || characters + text.length > chunkCharacters) {
      chunks.push([text]);
      characters = text.length;
    } else {
      last.push(text);
      characters += text.length;
    }
  }
  return chunks;
}

/**
 * Results in the order of `items`, at most `concurrency` calls at a time. The first error aborts the calls under way and
 * is thrown.
 */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  signal: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
  const stop = new AbortController();
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  both.throwIfAborted();
  const waiting = items.entries();
  const results = new Array<Result>(items.length);
  const runner = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      both.throwIfAborted();
      results[index] = await work(item, both);
    }
  };
  const runners = Array.from({ length: Math.min(concurrency, items.length) }, runner);
  try {
    await Promise.all(runners);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(runners);
    throw error;
  }
  return results;
}
