import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { spaceAt } from '@kimera/backend-light';
import { KimeraError, shortFingerprint, reasonOf } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { ModelReload as Choice } from './configuration.js';
import { ReloadedSpaceError } from './errors.js';
import type { EventLog } from './log-fallback.js';

/** A folder that models are served from. */
export interface WatchedFolder {
  readonly path: string;
  /** Fingerprint of what is served from it now. */
  readonly served: () => string;
  /** Whether its model is open: one that is not is read when it is opened. */
  readonly isOpen: () => boolean;
  /** The old one serves until then, and answers what it has begun. */
  readonly swap: (embedder: Embedder) => void;
  /** The folder's model is not open, and is of another space now. */
  readonly moved?: () => Promise<void>;
}

export interface ModelReloadParts {
  readonly choice: Exclude<Choice, 'off'>;
  readonly folders: readonly WatchedFolder[];
  /** With all checks: hashes and probes. */
  readonly open: (path: string) => Promise<Embedder>;
  readonly logger: EventLog;
}

/**
 * Opens the models of folders that have changed. A folder is looked at by its space.json, which is written last; it must
 * be the same at two looks one after the other. A folder that fails is left alone until it changes again.
 */
export class ModelReload {
  readonly #parts: ModelReloadParts;
  /** Of the state that is served, or that failed. */
  readonly #settled = new Map<string, string>();
  /** Of a change that was seen once. */
  readonly #seen = new Map<string, string>();
  #looking: Promise<void> | undefined;

  constructor(parts: ModelReloadParts) {
    this.#parts = parts;
  }

  /** Looks at every folder once; never rejects. One look at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookAtAll(): Promise<void> {
    for (const folder of this.#parts.folders) {
      const now = await stampOf(folder.path);
      const settled = this.#settled.get(folder.path);
      if (settled === undefined) {
        if (now !== undefined) this.#settled.set(folder.path, now);
        continue;
      }
      if (now === undefined || now === settled) {
        this.#seen.delete(folder.path);
        continue;
      }
      if (this.#seen.get(folder.path) !== now) {
        this.#seen.set(folder.path, now);
        continue;
      }
      this.#seen.delete(folder.path);
      this.#settled.set(folder.path, now);
      await this.#reload(folder);
    }
  }

  async #reload({ path, served, isOpen, swap, moved }: WatchedFolder): Promise<void> {
    const { choice, open, logger } = this.#parts;
    try {
      const before = served();
      const { fingerprint, modelId } = await spaceAt(path);
      if (choice === 'same-space' && fingerprint !== before) throw new ReloadedSpaceError(path, before, fingerprint);
      if (!isOpen()) {
        if (fingerprint !== before) await moved?.();
        return;
      }
      swap(await open(path));
      const fields = { path, model: modelId, space: shortFingerprint(fingerprint), before: shortFingerprint(before) };
      if (fingerprint === before) logger.info(fields, `${path} has changed and serves, the same space`);
      else logger.warn(fields, `${path} has changed and serves another space: vectors from before do not fit`);
    } catch (error) {
      const reason = reasonOf(error);
      const code = error instanceof KimeraError ? error.code : undefined;
      logger.error(
        { path, code, reason },
        `${path} has changed and does not serve: ${reason}; the model from before does`,
      );
    }
  }
}

/** Undefined where there is no space.json now. */
async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(join(path, 'space.json'));
    return `${mtimeMs}-${size}-${ino}`;
  } catch {
    return undefined;
  }
}
