import { join } from 'node:path';
import { LockFile, newOwner, ownerFields, type LockOwner } from '@kimera/process-lock';
import { z } from 'zod';
import { InvalidPullLockError, PullLockedError } from '../errors.js';

const FILE = '.pull.lock';

/** Exclusive use of a folder that is pulled into, by the file `.pull.lock`. */
export class PullLock {
  private constructor(
    private readonly file: LockFile<LockOwner>,
    private readonly token: string,
  ) {}

  /** The folder is there. @throws PullLockedError, InvalidPullLockError. */
  static async acquire(folder: string): Promise<PullLock> {
    const path = join(folder, FILE);
    const file = new LockFile<LockOwner>({
      path,
      mode: 0o644,
      schema: z.strictObject(ownerFields),
      damaged: (damaged) => new InvalidPullLockError(damaged),
      refused: ({ pid, host, since }) => new PullLockedError(folder, pid, host, since, path),
    });
    const owner = newOwner();
    await file.acquire(owner);
    return new PullLock(file, owner.token);
  }

  /** Idempotent; leaves the lock of another owner alone. */
  release(): Promise<void> {
    return this.file.release(this.token);
  }
}
