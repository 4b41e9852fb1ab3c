import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidPullLockError, PullLockedError } from '../errors/folder-errors.js';
import { ifPresent } from '../files/if-present.js';
import { mayBeAlive, thisProcess } from './process-identity.js';

const FILE = '.pull.lock';

const lockSchema = z.strictObject({
  pid: z.int().positive(),
  host: z.string(),
  startTicks: z.string().nullable(),
  /** ISO 8601. */
  since: z.string(),
  /** Names this lock among all that the folder ever had. */
  token: z.uuid(),
});
type Lock = z.infer<typeof lockSchema>;

/** Exclusive use of a folder among processes of one machine, by the file `.pull.lock`. Left behind by a process that was killed, it is taken over. */
export class PullLock {
  private constructor(private readonly file: string, private readonly token: string) {}

  /** The folder is there. @throws PullLockedError, InvalidPullLockError. */
  static async acquire(folder: string): Promise<PullLock> {
    const lock: Lock = { ...thisProcess(), since: new Date().toISOString(), token: randomUUID() };
    const file = join(folder, FILE);
    await acquireFile(folder, file, lock);
    return new PullLock(file, lock.token);
  }

  /** Idempotent; leaves the lock of another owner alone. */
  async release(): Promise<void> {
    if ((await readLock(this.file))?.token === this.token) await unlink(this.file);
  }
}

/**
 * The file is made whole under another name and then linked, which fails where it is there. Of several processes that find a dead owner's lock, the
 * one that gets `FILE.TOKEN`, itself such a lock, may put its own in place, once it has seen that the dead one is still there.
 */
async function acquireFile(folder: string, file: string, lock: Lock): Promise<void> {
  for (;;) {
    if (await isPlaced(withDraft(file, lock, (draft) => link(draft, file)))) return;
    const held = await readLock(file);
    if (held === undefined) continue;
    if (mayBeAlive(held)) throw new PullLockedError(folder, held.pid, held.host, held.since, file);
    const claim = `${file}.${held.token}`;
    await acquireFile(folder, claim, { ...lock, token: randomUUID() });
    try {
      if ((await readLock(file))?.token !== held.token) continue;
      await withDraft(file, lock, (draft) => rename(draft, file));
      return;
    } finally {
      await unlink(claim);
    }
  }
}

async function isPlaced(placing: Promise<void>): Promise<boolean> {
  try {
    await placing;
    return true;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined where there is none. @throws InvalidPullLockError. */
async function readLock(file: string): Promise<Lock | undefined> {
  const text = await ifPresent(() => readFile(file, 'utf8'));
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidPullLockError(file);
  }
  const parsed = lockSchema.safeParse(value);
  if (!parsed.success) throw new InvalidPullLockError(file);
  return parsed.data;
}

async function withDraft(file: string, lock: Lock, place: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${file}.${randomUUID()}.draft`;
  await writeFile(draft, `${JSON.stringify(lock)}\n`, { flag: 'wx' });
  try {
    await place(draft);
  } finally {
    await rm(draft, { force: true });
  }
}
