import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { tokenBatch } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { faultyWorker } from '@kimera/testing';
import { openOnnxBackend, type OnnxBackend, type PackedWeightsEvent } from '../index.js';

const root = join(fileURLToPath(import.meta.url), '../../../../..');
const TINY = join(root, 'fixtures/models/bge-m3-tiny');
const WEIGHTS = 'model.onnx_data';
const batch = tokenBatch([
  [0, 5, 6, 2],
  [0, 7, 2],
  [0, 9, 8, 7, 6, 5, 2],
]);
const dense = { heads: ['dense'] } as const;

let scratch = '';
let cache = '';
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-packed-'));
  cache = join(scratch, 'cache');
});
afterEach(() => rm(scratch, { recursive: true }));

/** A backend with what it told of its packed weights. */
class Opened {
  readonly events: PackedWeightsEvent[] = [];
  readonly #waiting: (() => void)[] = [];
  backend: OnnxBackend | undefined;

  static async open(path = TINY, worker?: URL): Promise<Opened> {
    const opened = new Opened();
    opened.backend = await openOnnxBackend({
      folder: await openModelFolder(path),
      intraOpThreads: 1,
      ...(worker === undefined ? {} : { worker }),
      packedWeights: {
        cache,
        afterMilliseconds: 0,
        onEvent: (event) => {
          opened.events.push(event);
          for (const resolve of opened.#waiting.splice(0)) resolve();
        },
      },
    });
    return opened;
  }

  get kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }
  async told(kind: PackedWeightsEvent['kind']): Promise<void> {
    while (!this.kinds.includes(kind)) {
      const failed = this.events.find((event) => event.kind === 'unavailable');
      if (failed !== undefined) throw new Error(failed.reason);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
  async vectors(): Promise<Float32Array | undefined> {
    return (await this.backend?.run(batch, dense))?.dense;
  }
  async close(): Promise<void> {
    await this.backend?.close();
  }
}

/** Written once, then closed. @returns its folder, and the vectors of the graph that is not packed. */
async function written(path = TINY): Promise<{ readonly entry: string; readonly vectors: Float32Array | undefined }> {
  const opened = await Opened.open(path);
  const vectors = await opened.vectors();
  await opened.told('written');
  await opened.close();
  expect(opened.kinds).toEqual(['written']);
  const [entry = '', ...others] = await entries();
  expect(others).toEqual([]);
  return { entry, vectors };
}

let kept = '';
beforeAll(async () => {
  kept = await mkdtemp(join(tmpdir(), 'kimera-packed-once-'));
});
afterAll(() => rm(kept, { recursive: true }));
let vectorsOnce: Float32Array | undefined;
/** As `written` for the tiny model, which runs once: the other times its folder is copied. */
async function copied(): ReturnType<typeof written> {
  if (vectorsOnce === undefined) {
    vectorsOnce = (await written()).vectors;
    await cp(cache, kept, { recursive: true });
  } else await cp(kept, cache, { recursive: true });
  const [entry = ''] = await entries();
  return { entry, vectors: vectorsOnce };
}

async function entries(): Promise<readonly string[]> {
  const folder = join(cache, 'packed-weights');
  return (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
}

/** The process that writes has made its first file. */
async function begun(): Promise<void> {
  for (;;) {
    const [folder] = await entries();
    if (folder !== undefined && (await readdir(folder).catch(() => [])).length > 0) return;
    await pause(5);
  }
}

describe.each([
  'fixtures/models/bge-m3-tiny',
  // Its matrices are small: their packed forms would lie at any byte.
  'models/multilingual-e5-small',
  'models/all-MiniLM-L6-v2',
  'fixtures/models/bert-tiny-int8',
])('packed weights of %s', (name) => {
  const path = join(root, name);
  it('are written behind the first opening, and serve the next one with the same vectors', async () => {
    const { entry, vectors } = await written(path);
    expect((await readdir(entry)).sort()).toEqual(['entry.json', 'model.onnx', WEIGHTS]);
    const again = await Opened.open(path);
    expect(await again.vectors()).toEqual(vectors);
    await again.close();
    expect(again.events).toEqual([]);
  });
});

it('the sessions that serve are exchanged under calls: each is answered', async () => {
  const opened = await Opened.open();
  const expected = await opened.vectors();
  for (let left = 50; left > 0;) {
    if (opened.kinds.includes('written')) left -= 1;
    // Calls without end would take the time of the process that writes.
    else await pause(10);
    const answers = await Promise.all([opened.vectors(), opened.vectors(), opened.vectors()]);
    for (const answer of answers) expect(answer).toEqual(expected);
  }
  await opened.close();
});

describe('what does not hold is not served: it is refused once, and made again', () => {
  const SPOILS: Readonly<Record<string, (entry: string) => Promise<void>>> = {
    'one byte of the weights is another': async (entry) => {
      const bytes = await readFile(join(entry, WEIGHTS));
      const middle = bytes.length >> 1;
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      await writeFile(join(entry, WEIGHTS), bytes);
    },
    'the weights are truncated': (entry) => truncate(join(entry, WEIGHTS), 1_000),
    'the graph is no graph': (entry) => writeFile(join(entry, 'model.onnx'), 'nothing'),
    'a file is missing': (entry) => rm(join(entry, WEIGHTS)),
    'nothing says what it is': (entry) => rm(join(entry, 'entry.json')),
    'it is of another version': (entry) => writeFile(join(entry, 'entry.json'), '{"source":"slow"}'),
    'others may write to it': (entry) => chmod(entry, 0o777),
    // Only root can give it away.
    ...(process.getuid?.() === 0 ? { 'it is of another user': (entry: string) => chown(entry, 65_534, 65_534) } : {}),
  };
  it.each(Object.keys(SPOILS))('%s', async (name) => {
    const { entry, vectors } = await copied();
    await SPOILS[name]?.(entry);
    const again = await Opened.open();
    expect(await again.vectors()).toEqual(vectors);
    await again.told('written');
    expect(again.kinds).toEqual(['refused', 'written']);
    expect(await again.vectors()).toEqual(vectors);
    await again.close();
    const last = await Opened.open();
    expect(last.events).toEqual([]);
    await last.close();
  });

  it('weights of another model under its name and with their checksum miss the probes', async () => {
    const { entry, vectors } = await copied();
    const other = join(scratch, 'other');
    await rename(cache, other);
    const { entry: prompts } = await written(join(root, 'fixtures/models/bert-tiny-prompts'));
    await rename(prompts, join(cache, 'packed-weights', basename(entry)));
    const again = await Opened.open();
    expect(await again.vectors()).toEqual(vectors);
    await again.told('written');
    expect(again.kinds).toEqual(['refused', 'written']);
    await again.close();
  });
});

it('a worker that takes the place of one that died looks again: they are made again where they went meanwhile', async () => {
  const { entry, vectors } = await copied();
  const faulty = faultyWorker(new URL('../../dist/onnx-worker.js', import.meta.url));
  const opened = await Opened.open(TINY, faulty.url);
  await rm(entry, { recursive: true });
  faulty.dieUnder(1);
  expect(await opened.vectors()).toEqual(vectors);
  await opened.told('written');
  expect(opened.kinds).toEqual(['refused', 'written']);
  expect(await opened.vectors()).toEqual(vectors);
  expect(opened.backend?.workerDeaths).toBe(1);
  await opened.close();
  faulty.remove();
});

describe('without a place for them each session has its own weights, and nothing fails', () => {
  const serves = async (): Promise<void> => {
    const opened = await Opened.open();
    await opened.told('unavailable');
    expect(await opened.vectors()).toHaveLength(3 * 64);
    await opened.close();
    expect(opened.kinds).toEqual(['unavailable']);
  };

  it('a folder that cannot be made', async () => {
    await writeFile(cache, 'a file');
    await serves();
  });

  it('a folder in one that others may write to', async () => {
    await mkdir(cache);
    await chmod(cache, 0o777);
    await serves();
  });

  it('a disk or a memory without room', async () => {
    const copy = join(scratch, 'large');
    await cp(TINY, copy, { recursive: true });
    await writeFile(join(copy, 'onnx/large'), '');
    // Sparse: it takes no room itself.
    await truncate(join(copy, 'onnx/large'), 2 ** 40);
    const folder = await openModelFolder(copy);
    const files = { ...folder.file.files, 'onnx/large': { bytes: 2 ** 40, sha256: '0'.repeat(64) } };
    const told = new EventEmitter();
    const event = once(told, 'event');
    const backend = await openOnnxBackend({
      folder: { ...folder, file: { ...folder.file, files } },
      intraOpThreads: 1,
      packedWeights: { cache, afterMilliseconds: 0, onEvent: (one) => void told.emit('event', one) },
    });
    const awake = setInterval(() => undefined, 1_000);
    expect(await event).toEqual([{ kind: 'unavailable', reason: expect.stringMatching(/ bytes/) }]);
    clearInterval(awake);
    await backend.close();
    expect(await entries()).toEqual([]);
  });

  it('another process is writing', async () => {
    const { entry } = await copied();
    await rename(entry, `${entry}.new`);
    await serves();
    expect(await entries()).toEqual([`${entry}.new`]);
  });

  it('a graph that could not be packed before', async () => {
    const { entry } = await copied();
    await rm(entry, { recursive: true });
    await writeFile(`${entry}.unfit`, 'it ended its process');
    await serves();
  });
});

it('what a killed writer left goes after a while, and what was not used for long; what is used stays', async () => {
  const { entry } = await copied();
  await rename(entry, `${entry}.new`);
  const ago = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);
  await utimes(`${entry}.new`, ago(2), ago(2));
  const folder = join(cache, 'packed-weights');
  for (const [name, days] of [
    ['old', 31],
    ...Array.from({ length: 9 }, (_, i) => [`used-${i}`, i] as const),
  ] as const) {
    await mkdir(join(folder, name));
    await utimes(join(folder, name), ago(days * 1_440), ago(days * 1_440));
  }
  const opened = await Opened.open();
  await opened.told('written');
  await opened.close();
  const kept = Array.from({ length: 7 }, (_, i) => join(folder, `used-${i}`));
  expect(new Set(await entries())).toEqual(new Set([entry, ...kept]));
});

it('a process that is killed while they are written leaves nothing that is taken for whole', async () => {
  const program = `(async () => {
    const { openModelFolder } = await import('@kimera/model-folder');
    const { openOnnxBackend } = await import('@kimera/backend-onnx');
    const folder = await openModelFolder(${JSON.stringify(TINY)});
    await openOnnxBackend({ folder, packedWeights: { cache: ${JSON.stringify(cache)}, afterMilliseconds: 0 } });
    setInterval(() => undefined, 1_000);
  })()`;
  const child = spawn(process.execPath, ['--eval', program], {
    cwd: join(root, 'packages/backend-onnx'),
    stdio: 'ignore',
  });
  const exit = once(child, 'exit');
  await begun();
  child.kill('SIGKILL');
  await exit;
  // The process that writes ends with it.
  while ((await entries()).some((path) => path.endsWith('.new'))) await pause(5);
  for (const path of await entries()) await rm(path, { recursive: true });
  await written();
});

/** Of the children of this process that write packed weights. */
async function writers(): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(
    pids.map(async (pid) => {
      const [state, command] = await Promise.all(
        ['stat', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
      );
      const parent = Number(/\) \S+ (\d+)/.exec(state ?? '')?.[1]);
      return parent === process.pid && command?.includes('pack-weights.js') === true ? [Number(pid)] : [];
    }),
  );
  return states.flat();
}

(process.platform === 'linux' ? it : it.skip)(
  'a graph that ends the process that packs it is not packed again, and is served as it is',
  async () => {
    const opened = await Opened.open();
    const vectors = await opened.vectors();
    await begun();
    const pids = await writers();
    expect(pids).toHaveLength(1);
    for (const pid of pids) process.kill(pid, 'SIGSEGV');
    await opened.told('unavailable');
    expect(opened.events).toEqual([{ kind: 'unavailable', reason: 'the process that packs ended by SIGSEGV' }]);
    expect(await opened.vectors()).toEqual(vectors);
    await opened.close();
    expect((await entries()).map((path) => path.slice(path.lastIndexOf('.')))).toEqual(['.unfit']);
    const again = await Opened.open();
    await again.told('unavailable');
    await again.close();
    expect(again.events).toEqual([{ kind: 'unavailable', reason: 'this graph could not be packed before' }]);
  },
);

it('backends that start at once do not hurt each other', async () => {
  const opened = await Promise.all([Opened.open(), Opened.open(), Opened.open()]);
  const vectors = await Promise.all(opened.map((each) => each.vectors()));
  expect(vectors[1]).toEqual(vectors[0]);
  expect(vectors[2]).toEqual(vectors[0]);
  await Promise.any(opened.map((each) => each.told('written')));
  await Promise.all(opened.map((each) => each.close()));
  expect(await entries()).toHaveLength(1);
  const again = await Opened.open();
  expect(await again.vectors()).toEqual(vectors[0]);
  await again.close();
  expect(again.events).toEqual([]);
});

it('a backend that is closed while they are written leaves nothing', async () => {
  const opened = await Opened.open();
  while ((await entries()).length === 0) await pause(5);
  await opened.close();
  const left = await entries();
  // Either it was whole already, or there is nothing.
  for (const path of left) expect((await stat(join(path, 'entry.json'))).isFile()).toBe(true);
  expect(opened.kinds.filter((kind) => kind !== 'written')).toEqual([]);
});
