import { describe, expect, it } from '@jest/globals';
import { HubConnectionError, HubStatusError, HubUnavailableError } from '../errors.js';
import { hurried } from '../pull.fixture.js';
import { hubSettings } from './hub-settings.js';
import { checkModelId, checkRevision, lastPart } from './model-name.js';
import { PACE } from './pace.js';
import { parseRetryAfter } from './retry-after.js';
import { retrying } from './retrying.js';

describe('hubSettings', () => {
  it('is the public hub without a token where nothing is set', () => {
    const { endpoint, token } = hubSettings({});
    expect(endpoint.protocol).toBe('https:');
    expect(endpoint.pathname).toBe('/');
    expect(token).toBeUndefined();
  });

  it('takes a mirror, also below a path, and a token with the line end of a file', () => {
    expect(hubSettings({ HF_ENDPOINT: 'http://mirror.example/api/hub//', HF_TOKEN: ' hf_x\n' })).toEqual({
      endpoint: new URL('http://mirror.example/api/hub/'),
      token: 'hf_x',
    });
    expect(hubSettings({ HF_ENDPOINT: 'http://mirror.example', HF_TOKEN: '' }).endpoint.href).toBe(
      'http://mirror.example/',
    );
  });

  it.each([
    'mirror.example',
    'ftp://mirror.example',
    'http://',
    'http://user:pass@mirror.example',
    'http://mirror.example?x=1',
    'http://mirror.example#x',
  ])('refuses HF_ENDPOINT=%s without showing it', (value) => {
    expect(() => hubSettings({ HF_ENDPOINT: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_ENVIRONMENT', variable: 'HF_ENDPOINT' }),
    );
  });

  it('refuses a token that cannot stand in a header, without showing it', () => {
    for (const token of ['hf_a\r\nx: y', 'hf_ä', 'hf a']) {
      expect(() => hubSettings({ HF_TOKEN: token })).toThrow(
        expect.objectContaining({
          code: 'INVALID_ENVIRONMENT',
          message: 'HF_TOKEN: expected visible ASCII characters',
        }),
      );
    }
  });

  it.each(['1', 'true', 'YES', 'on'])('HF_HUB_OFFLINE=%s forbids requests', (value) => {
    expect(() => hubSettings({ HF_HUB_OFFLINE: value })).toThrow(
      expect.objectContaining({ code: 'HUB_OFFLINE', retry: 'permanent', value }),
    );
  });

  it('HF_HUB_OFFLINE=0 does not', () => {
    expect(() => hubSettings({ HF_HUB_OFFLINE: '0' })).not.toThrow();
  });
});

describe('names', () => {
  it.each(['BAAI/bge-m3', 'sentence-transformers/all-MiniLM-L6-v2', 'gpt2', 'a/b.c_d'])('%s is a model', (id) => {
    expect(checkModelId(id)).toBe(id);
  });
  it.each([
    '',
    '/',
    'a/',
    '/b',
    'a/b/c',
    '../x',
    'a/..',
    'a/b--c',
    'a b/c',
    'a/b?x',
    'a/%2e%2e',
    'a\\b',
    'https://hub.example/a',
    `a/${'b'.repeat(97)}`,
  ])('%j is none', (id) => {
    expect(() => checkModelId(id)).toThrow(expect.objectContaining({ code: 'INVALID_MODEL_NAME', value: id }));
  });
  it.each(['main', 'v1.2', 'refs/pr/1', 'a'.repeat(40)])('%s is a revision', (revision) => {
    expect(checkRevision(revision)).toBe(revision);
  });
  it.each(['', '.', '..', 'a/../b', '-x', '/x', 'x/', 'a b', 'a\n'])('%j is none', (revision) => {
    expect(() => checkRevision(revision)).toThrow(expect.objectContaining({ code: 'INVALID_MODEL_NAME' }));
  });
  it('the last part names the folder', () => {
    expect(['BAAI/bge-m3', 'gpt2'].map(lastPart)).toEqual(['bge-m3', 'gpt2']);
  });
});

describe('parseRetryAfter', () => {
  const now = Date.UTC(2026, 0, 1);
  it.each([
    [null, null],
    ['0', 0],
    [' 120 ', 120_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thursday, 01-Jan-26 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['-5', null],
    ['1.5', null],
    ['2026', 2_026_000],
    ['Thu, soon', null],
    ['soon', null],
    ['', null],
  ])('%j is %j', (value, milliseconds) => {
    expect(parseRetryAfter(value, now)).toBe(milliseconds);
  });
});

describe('retrying', () => {
  const stop = new AbortController().signal;
  const cut = new HubConnectionError('http://hub', 'cut');

  it('waits twice as long each time, and gives up', async () => {
    const { pace, waits } = hurried({ attempts: 5 });
    await expect(retrying(() => Promise.reject(cut), { pace, stop, onWait: () => undefined })).rejects.toBe(cut);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it('waits as long as the hub asks, up to the limit, and tells', async () => {
    const { pace, waits } = hurried({ attempts: 5 });
    const errors = [7_000, 0, null, 86_400_000].map(
      (retryAfter) => new HubUnavailableError('http://hub', 429, retryAfter),
    );
    const told: number[] = [];
    let call = 0;
    const result = retrying(
      async () => {
        const error = errors[call++];
        if (error !== undefined) throw error;
        return 'done';
      },
      { pace, stop, onWait: (_error, milliseconds) => void told.push(milliseconds) },
    );
    expect(await result).toBe('done');
    expect(waits).toEqual([7_000, 2_000, 4_000, 300_000]);
    expect(told).toEqual(waits);
  });

  it('does not repeat what is permanent, nor what is no error of a hub', async () => {
    const { pace, waits } = hurried();
    for (const error of [new HubStatusError('http://hub', 410), new TypeError('a mistake')])
      await expect(retrying(() => Promise.reject(error), { pace, stop, onWait: () => undefined })).rejects.toBe(error);
    expect(waits).toEqual([]);
  });

  it('counts anew after progress, which is a furthest byte and not many bytes', async () => {
    const { pace, waits } = hurried({ attempts: 3, progressBytes: 100 });
    const positions = [99, 99, 250, 250, 250];
    let reached = 0;
    let call = 0;
    await expect(
      retrying(
        () => {
          reached = Math.max(reached, positions[call++] ?? 0);
          return Promise.reject(cut);
        },
        { pace, stop, onWait: () => undefined, reached: () => reached },
      ),
    ).rejects.toBe(cut);
    expect(call).toBe(5);
    expect(waits).toEqual([1_000, 2_000, 1_000, 2_000]);
  });

  it('stops while it waits, by the pace of real pulls', async () => {
    const controller = new AbortController();
    const result = retrying(() => Promise.reject(cut), {
      pace: PACE,
      stop: controller.signal,
      onWait: () => controller.abort(),
    });
    await expect(result).rejects.toMatchObject({ name: 'AbortError' });
  });
});
