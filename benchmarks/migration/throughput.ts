import type { TextEmbedder } from '@kimera/core';
import type { PreparedDatabase } from './prepared-database.js';
import { Workers, type WorkersOptions } from './workers.js';

/** Rows a second of the embedder alone: the same texts, as documents, in one call. */
export async function encoderSpeed(model: TextEmbedder, texts: readonly string[]): Promise<number> {
  const started = performance.now();
  await model.encodeBatch(texts, { role: 'document', lane: 'bulk' });
  return (texts.length * 1000) / (performance.now() - started);
}

/** Rows a second of so many processes together, from when all are at work until the last job is taken. */
export function backfillSpeed(
  prepared: PreparedDatabase,
  options: Pick<WorkersOptions, 'count' | 'models'>,
): Promise<number> {
  return prepared.copy(async (database) => {
    const workers = await Workers.start({ ...options, database });
    await workers.atWork();
    const from = await workers.now();
    await workers.untilTaken();
    const to = await workers.now();
    const speed = await workers.rowsPerSecond(from, to);
    await workers.end('finish');
    return speed;
  });
}
