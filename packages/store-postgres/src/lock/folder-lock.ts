import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LockFile, newOwner, ownerFields } from '@kimera/process-lock';
import { z } from 'zod';
import { DamagedLockError, ForeignLockError, StoreLockedError } from '../errors.js';

const FILE = 'kimera.lock';

const lockSchema = z.strictObject({
  ...ownerFields,
  /** Where the owner serves the database on 127.0.0.1; 0 until it does. */
  port: z.int().min(0).max(65_535),
  password: z.string(),
});
type Lock = z.infer<typeof lockSchema>;

/** Exclusive use of a database's folder, by the file `kimera.lock` (mode 0600: it has the password). */
export class FolderLock {
  #lock: Lock;

  private constructor(
    readonly folder: string,
    lock: Lock,
  ) {
    this.#lock = lock;
  }

  /** Makes the folder where it is not there. @throws StoreLockedError, ForeignLockError, DamagedLockError. */
  static async acquire(folder: string, password: string): Promise<FolderLock> {
    await mkdir(folder, { recursive: true });
    const lock: Lock = { ...newOwner(), port: 0, password };
    await lockFile(folder).acquire(lock);
    return new FolderLock(folder, lock);
  }

  get password(): string {
    return this.#lock.password;
  }

  /** Tells others where to join. */
  async publish(port: number): Promise<void> {
    this.#lock = { ...this.#lock, port };
    await lockFile(this.folder).publish(this.#lock);
  }

  /** Idempotent; leaves the lock of another owner alone. */
  release(): Promise<void> {
    return lockFile(this.folder).release(this.#lock.token);
  }
}

/** The lock of a process that is alive, or undefined. @throws ForeignLockError, DamagedLockError. */
export function liveLock(folder: string): { readonly port: number; readonly password: string } | undefined {
  return lockFile(folder).live();
}

function lockFile(folder: string): LockFile<Lock> {
  const path = join(folder, FILE);
  return new LockFile({
    path,
    mode: 0o600,
    schema: lockSchema,
    damaged: (damaged) => new DamagedLockError(damaged),
    refused: ({ pid, host, since }, liveness) =>
      liveness === 'elsewhere'
        ? new ForeignLockError(folder, pid, host, path)
        : new StoreLockedError(folder, pid, host, since),
  });
}
