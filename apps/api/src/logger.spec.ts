import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger } from './logger.js';

async function written(isTerminal: boolean): Promise<string> {
  const destination = new PassThrough();
  const arrived: Promise<unknown[]> = once(destination, 'data');
  createLogger({ isTerminal, destination }).info({ url: 'http://127.0.0.1:1' }, 'listening');
  const [text] = await arrived;
  return String(text);
}

describe('the log of the server', () => {
  it('is JSON in a pipe', async () => {
    expect(JSON.parse(await written(false))).toMatchObject({
      level: 30,
      msg: 'listening',
      url: 'http://127.0.0.1:1',
    });
  });

  it('is a readable line on a terminal', async () => {
    const text = await written(true);
    expect(text).toMatch(/\d\d:\d\d:\d\d.*INFO.*listening.*http:\/\/127\.0\.0\.1:1/);
    expect(text.trim().split('\n').length).toBe(1);
    expect(text).not.toContain('"msg"');
  });
});
