import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../models.js';

const POSTGRES = join(ROOT, 'tools/postgres/postgres.mjs');
/** Clients that the application's errors are forgiven for after a restart: recovery, and connections anew. */
const BACK_MILLISECONDS = 5_000;

/** A server of tools/postgres that can be restarted, or one that is there. */
export class OwnServer {
  #awayUntil = 0;
  #isAway = false;

  private constructor(
    readonly url: string,
    private readonly own: { readonly folder: string; readonly version: string } | undefined,
  ) {}

  static async start(version: string, folder: string, given: string | undefined): Promise<OwnServer> {
    if (given !== undefined) return new OwnServer(given, undefined);
    return new OwnServer(await start(version, folder), { folder, version });
  }

  get isOwn(): boolean {
    return this.own !== undefined;
  }

  /** What a client meets now may be a restart's. */
  get isAway(): boolean {
    return this.#isAway || performance.now() < this.#awayUntil;
  }

  async restart(mode: 'fast' | 'immediate'): Promise<void> {
    if (this.own === undefined) throw new Error('a server that is not ours is not restarted');
    const { folder, version } = this.own;
    this.#isAway = true;
    await stop(version, folder, mode);
    await start(version, folder);
    this.#awayUntil = performance.now() + BACK_MILLISECONDS;
    this.#isAway = false;
  }

  async stop(): Promise<void> {
    if (this.own !== undefined) await stop(this.own.version, this.own.folder, 'fast');
  }
}

async function start(version: string, folder: string): Promise<string> {
  const words = [POSTGRES, 'start', '--version', version, '--folder', folder];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const [, url] = /^KIMERA_TEST_DATABASE_URL=(.*)$/m.exec(stdout) ?? [];
  if (url === undefined) throw new Error(`tools/postgres printed no address: ${stdout}`);
  return url;
}

async function stop(version: string, folder: string, mode: 'fast' | 'immediate'): Promise<void> {
  const words = [POSTGRES, 'stop', '--version', version, '--folder', folder];
  await promisify(execFile)(process.execPath, [...words, ...(mode === 'immediate' ? ['--immediate'] : [])]);
}
