import { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { openProgress } from './progress.js';

/** A terminal that keeps what it is told. */
function terminal(): { readonly stderr: Writable & { readonly isTTY: boolean }; readonly shown: () => string } {
  let text = '';
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stderr: Object.assign(stderr, { isTTY: true }), shown: () => text };
}

it('says how much is done, of how much, and after the second amount how long the rest takes', async () => {
  const { stderr, shown } = terminal();
  const progress = await openProgress(stderr, 'embedding', (done, total) => `${done} of ${total} rows`);
  /** The bar draws ten times a second: what is shown comes by itself. */
  const appears = async (words: RegExp): Promise<void> => {
    for (let waited = 0; !words.test(shown()) && waited < 5_000; waited += 20) await setTimeout(20);
    expect(shown()).toMatch(words);
  };
  try {
    progress.update(128, 500);
    await appears(/128 of 500 rows(?! [^\n]* left)/);
    progress.update(256, 500);
    await appears(/256 of 500 rows [^\n]* left/);
    progress.update(500, 500);
    await appears(/500 of 500 rows/);
  } finally {
    progress.stop();
  }
});

it('says nothing where nobody sees it', async () => {
  const { stderr, shown } = terminal();
  const progress = await openProgress(Object.assign(stderr, { isTTY: false }), 'embedding');
  progress.update(1, 2);
  progress.stop();
  expect(shown()).toBe('');
});
