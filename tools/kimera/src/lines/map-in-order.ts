/**
 * Maps a source with at most `concurrency` items under way; results come in the order of the items, each as soon as it
 * and those before it are done, whether or not the source has more by then. When `stop` is aborted nothing more is
 * taken; what is under way is finished.
 */
export async function* mapInOrder<Item, Result>(
  source: AsyncIterator<Item>,
  map: (item: Item) => Promise<Result>,
  concurrency: number,
  stop: AbortSignal,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  const stopped = new Promise<'stopped'>((resolve) => {
    if (stop.aborted) resolve('stopped');
    else stop.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  let reading: Promise<IteratorResult<Item>> | undefined = stop.aborted ? undefined : source.next();
  while (reading !== undefined || underWay.length > 0) {
    const [first] = underWay;
    const events: Promise<'first' | 'read' | 'stopped'>[] = [];
    if (first !== undefined) events.push(first.then(() => 'first' as const));
    if (reading !== undefined) events.push(stopped);
    if (reading !== undefined && underWay.length < concurrency) events.push(reading.then(() => 'read' as const));
    const event = await Promise.race(events);
    if (event === 'stopped') reading = undefined;
    else if (event === 'first' && first !== undefined) {
      void underWay.shift();
      yield await first;
    } else if (event === 'read') {
      const read: IteratorResult<Item> | undefined = await reading;
      reading = undefined;
      if (read === undefined || read.done === true) continue;
      const result = map(read.value);
      // Whoever waits for it gets the error; a later one must not end the process before.
      result.catch(() => undefined);
      underWay.push(result);
      reading = source.next();
    }
  }
}
