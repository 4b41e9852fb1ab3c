import { InvalidEncodeOptionsError } from '@kimera/core';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { faultyWorker } from '@kimera/testing';
import { WorkerDiedError } from '@kimera/worker-pool';
import { goldens, tokenizerPath } from '../fixtures.fixture.js';
import {
  createTokenizerPool,
  encodeBatch,
  InvalidTokenizerError,
  TokenizerChangedError,
  type TokenizerPool,
} from '../index.js';
import { TOKENIZER_WORKER } from '../workers.js';

describe('tokenizer pool', () => {
  let pool: TokenizerPool;
  beforeAll(async () => {
    pool = await createTokenizerPool({ tokenizerPath: tokenizerPath('all-MiniLM-L6-v2') });
  });
  afterAll(() => pool.close());

  it('gives what the tokenizer gives, in a worker and at once', async () => {
    const texts = goldens('wordpiece').map(({ text }) => text);
    const long = [
      ...texts.slice(0, 50),
      'long '.repeat(100_000),
      ...texts,
      'word '.repeat(30_000),
      'other '.repeat(30_000),
      '',
    ];
    for (const some of [texts, texts.slice(0, 2), [], long, ['one '.repeat(90_000)]]) {
      const expected = encodeBatch(pool.tokenizer, some, { maxTokens: 32 });
      const actual = await pool.encodeBatch(some, { maxTokens: 32 });
      expect(Array.from(actual.batch.ids)).toEqual(Array.from(expected.batch.ids));
      expect(Array.from(actual.batch.offsets)).toEqual(Array.from(expected.batch.offsets));
      expect(actual.truncated).toEqual(expected.truncated);
      expect(Array.from(actual.totalTokens)).toEqual(Array.from(expected.totalTokens));
    }
  });

  it('leaves the event loop free during a long batch', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await pool.encodeBatch([' word'.repeat(1_000_000)], { maxTokens: 8 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  it('lets a short call pass a long one', async () => {
    const ended: string[] = [];
    const long = pool
      .encodeBatch(
        Array.from({ length: 40 }, () => 'word '.repeat(39_000)),
        { maxTokens: 8 },
      )
      .then(() => ended.push('long'));
    const short = pool.encodeBatch(['word '.repeat(1_000)], { maxTokens: 8 }).then(() => ended.push('short'));
    await Promise.all([long, short]);
    expect(ended).toEqual(['short', 'long']);
  });

  it('stops a long call between two slices once its caller gives up', async () => {
    const controller = new AbortController();
    const texts = Array.from({ length: 40 }, () => 'word '.repeat(39_000));
    const long = pool.encodeBatch(texts, { maxTokens: 8 }, controller.signal);
    await pool.encodeBatch(['word '.repeat(1_000)], { maxTokens: 8 });
    controller.abort(new Error('gone'));
    await expect(long).rejects.toThrow('gone');
    await expect(pool.encodeBatch(['a'], { maxTokens: 8 }, controller.signal)).rejects.toThrow('gone');
  });

  it('carries errors over the thread with their class', async () => {
    await expect(pool.encodeBatch(['x'.repeat(5_000)], { maxTokens: 0 })).rejects.toBeInstanceOf(
      InvalidEncodeOptionsError,
    );
  });

  it('refuses a file that is not the recorded one', async () => {
    const path = tokenizerPath('all-MiniLM-L6-v2');
    await expect(createTokenizerPool({ tokenizerPath: path, sha256: '0'.repeat(64) })).rejects.toBeInstanceOf(
      TokenizerChangedError,
    );
  });

  it('goes on with what it has read where the file is another one by now, or gone, and a thread takes the place of another', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'kimera-tokenizer-'));
    const path = join(scratch, 'tokenizer.json');
    const json = await readFile(tokenizerPath('all-MiniLM-L6-v2'), 'utf8');
    await writeFile(path, json);
    const faulty = faultyWorker(TOKENIZER_WORKER);
    const opened = await createTokenizerPool({ tokenizerPath: path, worker: faulty.url });
    const long = ['word '.repeat(1_000)];
    // Two words change places: of the same size, and other ids for both.
    await writeFile(path, json.replace('"word":', '"\0":').replace('"time":', '"word":').replace('"\0":', '"time":'));
    const before = await opened.encodeBatch(long, { maxTokens: 8 });
    expect(before).toEqual(encodeBatch(opened.tokenizer, long, { maxTokens: 8 }));
    await rm(path);
    faulty.dieUnder(1);
    expect(await opened.encodeBatch(long, { maxTokens: 8 })).toEqual(before);
    await opened.close();
    faulty.remove();
    await rm(scratch, { recursive: true });
  });

  it('starts no thread before a long batch, which says where none can be started', async () => {
    const worker = new URL('file:///there-is-no-such-module.js');
    const opened = await createTokenizerPool({ tokenizerPath: tokenizerPath('all-MiniLM-L6-v2'), worker });
    expect((await opened.encodeBatch(['short'], { maxTokens: 8 })).batch.ids).toHaveLength(3);
    await expect(opened.encodeBatch(['word '.repeat(1_000)], { maxTokens: 8 })).rejects.toBeInstanceOf(WorkerDiedError);
    await opened.close();
  });

  it('refuses a file that is no tokenizer', async () => {
    await expect(
      createTokenizerPool({ tokenizerPath: `${tokenizerPath('all-MiniLM-L6-v2')}/../../../package.json` }),
    ).rejects.toThrow();
    await expect(createTokenizerPool({ tokenizerPath: new URL(import.meta.url).pathname })).rejects.toBeInstanceOf(
      InvalidTokenizerError,
    );
  });
});
