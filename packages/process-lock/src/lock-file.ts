import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { livenessOf, thisProcess, type ProcessIdentity } from './process-identity.js';

/** What every lock file says of its owner; users put their own fields beside these. */
export const ownerFields = {
  pid: z.int().positive(),
  host: z.string(),
  startTicks: z.string().nullable(),
  /** ISO 8601. */
  since: z.string(),
  /** Names this lock among all that the file ever held. */
  token: z.uuid(),
};

export interface LockOwner extends ProcessIdentity {
  readonly since: string;
  readonly token: string;
}

/** This process, from now on. */
export function newOwner(): LockOwner {
  return { ...thisProcess(), since: new Date().toISOString(), token: randomUUID() };
}

export interface LockFileOptions<Lock extends LockOwner> {
  readonly path: string;
  /** Of the file, as for chmod; 0o600 where it holds a secret. */
  readonly mode: number;
  readonly schema: z.ZodType<Lock>;
  /** The file is not such a lock. */
  readonly damaged: (path: string) => Error;
  /** The owner lives, or ran elsewhere and cannot be seen from here. */
  readonly refused: (held: Lock, liveness: 'alive' | 'elsewhere') => Error;
}

/**
 * Exclusive use of something among processes of one machine. Left behind by a process that was killed, the lock is
 * taken over.
 */
export class LockFile<Lock extends LockOwner> {
  readonly #options: LockFileOptions<Lock>;

  constructor(options: LockFileOptions<Lock>) {
    this.#options = options;
  }

  /** The folder is there. @throws what `refused` and `damaged` make. */
  acquire(lock: Lock): Promise<void> {
    return this.#acquire(this.#options.path, lock);
  }

  /** Undefined where there is none, or its owner has ended. @throws what `refused` (elsewhere) and `damaged` make. */
  live(): Lock | undefined {
    const lock = this.#read(this.#options.path);
    return lock !== undefined && this.#isAlive(lock) ? lock : undefined;
  }

  /** The owner says something else from now on. */
  publish(lock: Lock): Promise<void> {
    return this.#place(this.#options.path, lock, rename);
  }

  /** Idempotent; leaves the lock of another owner alone. */
  async release(token: string): Promise<void> {
    if (this.#read(this.#options.path)?.token === token) await unlink(this.#options.path);
  }

  /**
   * The file is made whole under another name and then linked, which fails where it is there. Of several processes that
   * find a dead owner's lock, the one that gets `PATH.TOKEN`, itself such a lock, may put its own in place, once it has
   * seen that the dead one is still there: whoever comes late finds another token.
   */
  async #acquire(path: string, lock: Lock): Promise<void> {
    for (;;) {
      if (await isPlaced(this.#place(path, lock, link))) return;
      const held = this.#read(path);
      if (held === undefined) continue;
      if (this.#isAlive(held)) throw this.#options.refused(held, 'alive');
      const claim = `${path}.${held.token}`;
      await this.#acquire(claim, { ...lock, token: randomUUID() });
      try {
        if (this.#read(path)?.token !== held.token) continue;
        await this.#place(path, lock, rename);
        return;
      } finally {
        await unlink(claim);
      }
    }
  }

  #isAlive(lock: Lock): boolean {
    const liveness = livenessOf(lock);
    if (liveness === 'elsewhere') throw this.#options.refused(lock, liveness);
    return liveness === 'alive';
  }

  #read(path: string): Lock | undefined {
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      if (error instanceof SyntaxError) throw this.#options.damaged(path);
      throw error;
    }
    const parsed = this.#options.schema.safeParse(value);
    if (!parsed.success) throw this.#options.damaged(path);
    return parsed.data;
  }

  async #place(path: string, lock: Lock, place: (from: string, to: string) => Promise<void>): Promise<void> {
    const draft = `${path}.${randomUUID()}.draft`;
    await writeFile(draft, `${JSON.stringify(lock)}\n`, { flag: 'wx', mode: this.#options.mode });
    try {
      await place(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
  }
}

async function isPlaced(placing: Promise<void>): Promise<boolean> {
  try {
    await placing;
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
