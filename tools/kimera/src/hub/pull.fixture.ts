import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { jest } from '@jest/globals';
import { PACE, type Pace } from './client/pace.js';
import { HubServer, isLarge } from './hub-server.fixture.js';
import { pullModel, type PulledModel, type PullOptions } from './pull-model.js';

/** Bytes that no part of which repeats. */
export function noise(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    buffer[i] = state >>> 16;
  }
  return buffer;
}

export const WEIGHTS = noise(5_000);
/** The least that is a checkpoint, and files that no conversion needs. */
export const FILES: Readonly<Record<string, Buffer | string>> = {
  'config.json': '{"model_type":"bert"}',
  'tokenizer.json': '{"version":"1.0"}',
  'model.safetensors': WEIGHTS,
  'notes.md': '# mine',
  '.gitattributes': '*.safetensors filter=lfs',
  'onnx/model.onnx': 'graph',
  'pytorch_model.bin': noise(100),
};
export const NEEDED = ['config.json', 'model.safetensors', 'tokenizer.json'];

/** A pace that waits for nothing, and says what it would have waited for. */
export function hurried(pace: Partial<Pace> = {}): { readonly pace: Pace; readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    pace: {
      ...PACE,
      attempts: 3,
      progressBytes: 1_000,
      delay: async (milliseconds) => void waits.push(milliseconds),
      ...pace,
    },
  };
}

/** Timeouts wait for `jest.advanceTimersByTime`; what is awaited from node:timers goes on. */
export function fakeTimeouts(): void {
  jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
    ],
  });
}

/** A hub and an empty folder for one test. */
export class PullTest {
  readonly scratch = mkdtempSync(join(tmpdir(), 'kimera-pull-'));
  readonly folder = join(this.scratch, 'mine');
  readonly #stop = new AbortController();

  private constructor(readonly server: HubServer) {}

  static async start(): Promise<PullTest> {
    return new PullTest(await HubServer.start());
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.server.stop();
    rmSync(this.scratch, { recursive: true, force: true });
  }

  pull(options: Partial<PullOptions> = {}): Promise<PulledModel> {
    return pullModel({
      id: 'example/mine',
      folder: this.folder,
      environment: this.server.environment,
      stop: this.#stop.signal,
      pace: hurried().pace,
      pins: [],
      ...options,
    });
  }

  partial(name: string): string {
    return join(this.folder, '.pull', `${name}.partial`);
  }
  read(name: string): Buffer {
    return readFileSync(join(this.folder, name));
  }
  /** Every file below the folder. */
  files(): readonly string[] {
    return readdirSync(this.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.folder, join(entry.parentPath, entry.name)))
      .sort();
  }
  /** Where the bytes of a file are asked for. */
  asked(name: string): readonly (string | undefined)[] {
    return this.server.seen(`${isLarge(name) ? 'store' : 'hub'} ${name}`).map(({ range }) => range);
  }
}
