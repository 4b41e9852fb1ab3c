import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DamagedLockError, ForeignLockError, StoreLockedError } from './lock-errors.js';
import { livenessOf, thisProcess } from './process-identity.js';

const FILE = 'kimera.lock';

const lockSchema = z.strictObject({
  pid: z.int().positive(),
  host: z.string(),
  startTicks: z.string().nullable(),
  /** ISO 8601. */
  since: z.string(),
  /** Names this lock among all that the folder ever had. */
  token: z.uuid(),
  /** Where the owner serves the database on 127.0.0.1; 0 until it does. */
  port: z.int().min(0).max(65_535),
  password: z.string(),
});
type Lock = z.infer<typeof lockSchema>;

/**
 * Exclusive use of a folder among processes of one machine, by the file `kimera.lock` (mode 0600: it has the password). Left behind by a
 * process that was killed, it is taken over.
 */
export class FolderLock {
  #lock: Lock;

  private constructor(readonly folder: string, lock: Lock) {
    this.#lock = lock;
  }

  /** Makes the folder where it is not there. @throws StoreLockedError, ForeignLockError, DamagedLockError. */
  static async acquire(folder: string, password: string): Promise<FolderLock> {
    await mkdir(folder, { recursive: true });
    const lock: Lock = { ...thisProcess(), since: new Date().toISOString(), token: randomUUID(), port: 0, password };
    await acquireFile(folder, join(folder, FILE), lock);
    return new FolderLock(folder, lock);
  }

  get password(): string {
    return this.#lock.password;
  }

  /** Tells others where to join. */
  async publish(port: number): Promise<void> {
    this.#lock = { ...this.#lock, port };
    await withFile(join(this.folder, FILE), this.#lock, rename);
  }

  /** Idempotent; leaves the lock of another owner alone. */
  async release(): Promise<void> {
    const file = join(this.folder, FILE);
    if (readLock(file)?.token === this.#lock.token) await unlink(file);
  }
}

/** The lock of a process that is alive, or undefined. @throws ForeignLockError, DamagedLockError. */
export function liveLock(folder: string): { readonly port: number; readonly password: string } | undefined {
  const file = join(folder, FILE);
  const lock = readLock(file);
  return lock !== undefined && isAlive(folder, file, lock) ? lock : undefined;
}

/**
 * The file is made whole under another name and then linked, which fails where it is there. Of several processes that find a dead owner's
 * lock, the one that gets `FILE.TOKEN`, itself such a lock, may put its own in place, once it has seen that the dead one is still there: whoever comes
 * late finds another token.
 */
async function acquireFile(folder: string, file: string, lock: Lock): Promise<void> {
  for (;;) {
    try {
      await withFile(file, lock, link);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = readLock(file);
    if (held === undefined) continue;
    if (isAlive(folder, file, held)) throw new StoreLockedError(folder, held.pid, held.host, held.since);
    const claim = `${file}.${held.token}`;
    await acquireFile(folder, claim, { ...lock, token: randomUUID() });
    try {
      if (readLock(file)?.token !== held.token) continue;
      await withFile(file, lock, rename);
      return;
    } finally {
      await unlink(claim);
    }
  }
}

function isAlive(folder: string, file: string, lock: Lock): boolean {
  const liveness = livenessOf(lock);
  if (liveness === 'elsewhere') throw new ForeignLockError(folder, lock.pid, lock.host, file);
  return liveness === 'alive';
}

/** Undefined where there is none. @throws DamagedLockError. */
function readLock(file: string): Lock | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = lockSchema.safeParse(parseJson(text));
  if (!parsed.success) throw new DamagedLockError(file);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function withFile(file: string, lock: Lock, place: (from: string, to: string) => Promise<void>): Promise<void> {
  const draft = `${file}.${randomUUID()}.draft`;
  await writeFile(draft, `${JSON.stringify(lock)}\n`, { flag: 'wx', mode: 0o600 });
  try {
    await place(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
