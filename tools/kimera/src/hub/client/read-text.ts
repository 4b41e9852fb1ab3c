import { InvalidHubAnswerError } from '../errors.js';
import type { HubAnswer } from './hub-client.js';

/**
 * The body as UTF-8. @throws InvalidHubAnswerError beyond `limit` bytes, where it stops reading; the errors of the
 * body.
 */
export async function readText(answer: HubAnswer, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body()) {
    bytes += chunk.length;
    if (bytes > limit) throw new InvalidHubAnswerError(answer.url, `more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
