import { ClosedError, KimeraError } from '@kimera/core';
import type { CommandContext } from '../console/command-context.js';
import { StoppedError } from '../errors.js';
import { EXIT } from '../console/exit-code.js';
import { formatCount } from '../console/format.js';
import { mapInOrder } from './map-in-order.js';
import { parseTextLine, type LineError } from './parse-text-line.js';
import { readLineBatches, type Line } from './read-line-batches.js';

/** Lines of one batch, and batches under way: a few hundred texts are in memory. */
const BATCH_LINES = 128;
const BATCHES_UNDER_WAY = 3;

/** What one text becomes: an object that JSON can carry. */
type Transform = (texts: readonly string[]) => Promise<readonly object[]>;

/**
 * `{"text": …}` a line from stdin, one line each to stdout, in order. A line that fails has its error in its place and
 * the command ends with 1.
 * @throws StoppedError, which says how many lines are done, OutputClosedError.
 */
export async function processTextLines(context: CommandContext, transform: Transform): Promise<void> {
  if (context.stdin.isTTY === true) context.note('reading {"text": …} lines from the terminal; Ctrl-D ends');
  let lines = 0;
  let failed = 0;
  const batches = readLineBatches(context.stdin, BATCH_LINES);
  for await (const results of mapInOrder(
    batches,
    (batch) => transformBatch(batch, transform),
    BATCHES_UNDER_WAY,
    context.stop,
  )) {
    await context.stdout.write(results.map((result) => `${JSON.stringify(result)}\n`).join(''));
    lines += results.length;
    failed += results.filter((result) => 'error' in result).length;
  }
  if (context.stop.aborted)
    throw new StoppedError(
      `stopped after ${lines} lines; go on with the input from line ${lines + 1} (tail -n +${lines + 1})`,
      { lines },
    );
  if (failed === 0) return;
  context.note(
    `kimera: ${formatCount(failed)} of ${formatCount(lines)} lines failed: each has its "error" in its place`,
  );
  context.finish(EXIT.error);
}

async function transformBatch(batch: readonly Line[], transform: Transform): Promise<readonly object[]> {
  const parsed = batch.map(parseTextLine);
  const texts = parsed.flatMap((line) => ('text' in line ? [line.text] : []));
  const results = await transformTexts(texts, transform);
  let next = 0;
  return parsed.map((line) => ('text' in line ? (results[next++] as object) : line));
}

/** All together; where that fails, each alone, so that one text does not fail its neighbours. */
async function transformTexts(texts: readonly string[], transform: Transform): Promise<readonly object[]> {
  if (texts.length === 0) return [];
  try {
    return await transform(texts);
  } catch (error) {
    if (!(error instanceof KimeraError) || error instanceof ClosedError) throw error;
    if (texts.length === 1) return [{ error: { code: error.code, message: error.message } } satisfies LineError];
    const results: object[] = [];
    for (const text of texts) results.push(...(await transformTexts([text], transform)));
    return results;
  }
}
