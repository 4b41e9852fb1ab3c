import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import type { Response } from 'express';

/**
 * Rows that are turned into text at once, about 2 ms: 2,048 vectors in one piece would hold the thread for a third of a
 * second.
 */
const ROWS_A_TURN = 16;

export interface Rows<Item> {
  /** The text before the list's items, and after them. */
  readonly before: string;
  readonly after: string;
  readonly items: readonly Item[];
  readonly row: (item: Item, index: number) => unknown;
}

/** A JSON answer with a long list in it; other requests get their turn in between. */
export async function sendRows<Item>(response: Response, { before, after, items, row }: Rows<Item>): Promise<void> {
  async function* text(): AsyncGenerator<string> {
    let waiting = before;
    for (const [index, item] of items.entries()) {
      waiting += (index === 0 ? '' : ',') + JSON.stringify(row(item, index));
      if ((index + 1) % ROWS_A_TURN > 0) continue;
      yield waiting;
      waiting = '';
      await turn();
    }
    yield waiting + after;
  }
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  try {
    await pipeline(Readable.from(text()), response);
  } catch (error) {
    // The client closed the connection: no error can be sent to it.
    if (!response.destroyed) throw error;
  }
}
