import { setImmediate as turn } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';

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

/**
 * A JSON answer with a long list in it; other requests get their turn in between. Ends early where the client closes the
 * connection.
 */
export async function sendRows<Item>(
  response: ServerResponse,
  { before, after, items, row }: Rows<Item>,
): Promise<void> {
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  let waiting = before;
  for (const [index, item] of items.entries()) {
    waiting += (index === 0 ? '' : ',') + JSON.stringify(row(item, index));
    if ((index + 1) % ROWS_A_TURN > 0) continue;
    if (!response.write(waiting)) await drained(response);
    if (response.destroyed) return;
    waiting = '';
    await turn();
  }
  response.end(waiting + after);
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
