import { setImmediate as turn } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';

/**
 * Characters that are made and sent at once, about a millisecond: 2,048 vectors in one piece would hold the thread for a
 * third of a second.
 */
const CHARACTERS_A_TURN = 65_536;

export interface Rows<Item> {
  /** The text before the list's items, and after them. */
  readonly before: string;
  readonly after: string;
  readonly items: readonly Item[];
  readonly row: (item: Item, index: number) => unknown;
}

/** A JSON answer with a long list in it; other requests get their turn in between. */
export function sendRows<Item>(response: ServerResponse, { before, after, items, row }: Rows<Item>): Promise<void> {
  function* pieces(): Generator<string> {
    yield before;
    for (const [index, item] of items.entries()) yield (index === 0 ? '' : ',') + JSON.stringify(row(item, index));
    yield after;
  }
  return sendPieces(response, pieces());
}

/**
 * A JSON answer in pieces that are made as they are sent; other requests get their turn in between. Ends early where
 * the client closes the connection.
 */
export async function sendPieces(response: ServerResponse, pieces: Iterable<string>): Promise<void> {
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  let waiting = '';
  for (const piece of pieces) {
    waiting += piece;
    if (waiting.length < CHARACTERS_A_TURN) continue;
    if (!response.write(waiting)) await drained(response);
    if (response.destroyed) return;
    waiting = '';
    await turn();
  }
  response.end(waiting);
}

/** Until the client has taken what waits for it, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    if (response.destroyed) resolve();
    else response.once('drain', done).once('close', done);
  });
}
