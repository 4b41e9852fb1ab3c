import { Int8SaturationError } from './errors/int8-saturation-error.js';
import type { GraphSession } from './graph-session.js';

/**
 * Runs an int8 variant's self-test, a product that saturates where the variant would give other vectors.
 * @param path only for messages. @throws Int8SaturationError.
 */
export async function checkInt8(session: GraphSession, path: string): Promise<void> {
  const { holds } = await session.run({ a: { type: 'uint8', data: new Uint8Array(64).fill(255), dims: [1, 64] } }, [
    'holds',
  ]);
  if (!(holds?.data instanceof Uint8Array && holds.data[0] === 1)) throw new Int8SaturationError(path);
}
