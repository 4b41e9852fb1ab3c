import { mkdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { StoppedError } from '../errors.js';
import { HubClient } from './client/hub-client.js';
import { hubSettings } from './client/hub-settings.js';
import { checkModelId, checkRevision } from './client/model-name.js';
import { PACE, type Pace } from './client/pace.js';
import { readRepository, type Repository } from './client/repository.js';
import type { OnWait, RetryOptions } from './client/retrying.js';
import { InvalidRepositoryFileError, PullSpaceError } from './errors.js';
import type { FileDigest } from './files/digest-file.js';
import { downloadFile, PARTIALS } from './files/download-file.js';
import { neededFiles, type NeededFiles } from './files/needed-files.js';
import { checkAgainstPin, knownBytes, type WantedFile } from './files/wanted-file.js';
import { PullFolder, removeEmpty } from './folder/pull-folder.js';
import { PullLock } from './folder/pull-lock.js';
import { listingUnderPins, pinsOf, publishedPins, type PinnedModel } from './pins/published-pins.js';

/** Beyond the index of 50,000 tensors, as the converter has it. */
const MAX_TEXT_BYTES = 64 << 20;

export interface PullOptions {
  /** OWNER/NAME. */
  readonly id: string;
  /** The pinned commit where there is one, else `main`. */
  readonly revision?: string;
  /** Made where it is not there. */
  readonly folder: string;
  /** HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stop: AbortSignal;
  readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
  readonly onWait?: OnWait;
  readonly pace?: Pace;
  readonly pins?: readonly PinnedModel[];
  /** Bytes that may still be written into a folder. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export interface PulledFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly state: 'downloaded' | 'already there';
}

export interface PulledModel {
  readonly path: string;
  readonly id: string;
  /** As it was asked for. */
  readonly revision: string;
  readonly commit: string;
  /** `commit`: by the pins of this commit; `none`: it has none. */
  readonly pins: 'commit' | 'none';
  readonly kind: NeededFiles['kind'];
  readonly files: readonly PulledFile[];
}

/**
 * Brings the files of a hub's repository that a conversion needs into a folder, each checked by its hash. @throws
 * StoppedError where it was stopped, with what was received kept; the errors of hub/errors.
 */
export async function pullModel(options: PullOptions): Promise<PulledModel> {
  try {
    return await pull(options);
  } catch (error) {
    if (options.stop.aborted)
      throw new StoppedError('stopped; what was received is kept: the same command goes on from there');
    throw error;
  }
}

async function pull(options: PullOptions): Promise<PulledModel> {
  const { id, folder, environment, stop, pace = PACE, onWait = () => undefined, pins = publishedPins() } = options;
  const pinned = pinsOf(pins, checkModelId(id));
  const revision = checkRevision(options.revision ?? pinned?.commit ?? 'main');
  const client = new HubClient(hubSettings(environment), pace, stop);
  const retries: RetryOptions = { pace, stop, onWait };
  const listed = await readRepository(client, id, revision, retries);
  const repository =
    pinned?.commit === listed.commit ? { ...listed, files: listingUnderPins(listed.files, pinned) } : listed;
  const made = await mkdir(folder, { recursive: true });
  try {
    const lock = await PullLock.acquire(folder);
    try {
      const { kind, files } = await new Pull(
        repository,
        pinned?.commit === listed.commit ? pinned : undefined,
        await PullFolder.open(folder, id),
        client,
        retries,
        options,
      ).run();
      return {
        path: folder,
        id,
        revision,
        commit: repository.commit,
        pins: repository === listed ? 'none' : 'commit',
        kind,
        files,
      };
    } finally {
      await lock.release();
    }
  } finally {
    await removeEmpty(folder, made);
  }
}

/** One pull of one commit into one folder. */
class Pull {
  readonly #fetched = new Set<string>();

  constructor(
    private readonly repository: Repository,
    private readonly pinned: PinnedModel | undefined,
    private readonly folder: PullFolder,
    private readonly client: HubClient,
    private readonly retries: RetryOptions,
    private readonly options: PullOptions,
  ) {}

  async run(): Promise<Pick<PulledModel, 'kind' | 'files'>> {
    const { kind, names, recorded } = await neededFiles({
      has: (name) => this.repository.files.has(name),
      read: (name) => this.#read(name),
    });
    const wanted = names.map((name) => this.#wanted(name, recorded));
    for (const file of wanted) checkAgainstPin(file);
    const there = await this.folder.survey(wanted, this.retries.stop);
    await this.folder.checkStrangers(wanted);
    await this.#checkSpace(wanted.filter(({ name }) => !there.has(name)));
    await this.folder.claim(wanted);
    const files = await this.#fetchAll(wanted, there);
    await this.folder.finish({
      id: this.repository.id,
      commit: this.repository.commit,
      files: Object.fromEntries(files.map(({ path, bytes, sha256 }) => [path, { bytes, sha256 }])),
    });
    return { kind, files };
  }

  async #fetchAll(
    wanted: readonly WantedFile[],
    there: ReadonlyMap<string, FileDigest>,
  ): Promise<readonly PulledFile[]> {
    const totalBytes = wanted.reduce((sum, file) => sum + (knownBytes(file) ?? 0), 0);
    let before = 0;
    const files: PulledFile[] = [];
    for (const file of wanted) {
      const onBytes = (bytes: number): void =>
        this.options.onProgress?.({ bytes: before + bytes, totalBytes: Math.max(totalBytes, before + bytes) });
      const { bytes, sha256 } = there.get(file.name) ?? (await this.#fetch(file, onBytes));
      files.push({
        path: file.name,
        bytes,
        sha256,
        state: this.#fetched.has(file.name) ? 'downloaded' : 'already there',
      });
      onBytes(bytes);
      before += bytes;
    }
    return files;
  }

  /** The text of a small file that says which others are needed; it is one of them. */
  async #read(name: string): Promise<string> {
    const file = this.#wanted(name, {});
    checkAgainstPin(file);
    const bytes = knownBytes(file) ?? 0;
    if (bytes > MAX_TEXT_BYTES)
      throw new InvalidRepositoryFileError(name, `${bytes} bytes, at most ${MAX_TEXT_BYTES} are read`);
    if (!(await this.folder.survey([file], this.retries.stop)).has(name)) {
      await this.#checkSpace([file]);
      await this.folder.claim([file]);
      await this.#fetch(file, () => undefined);
    }
    return readFile(join(this.folder.path, name), 'utf8');
  }

  #wanted(name: string, recorded: NeededFiles['recorded']): WantedFile {
    const hub = this.repository.files.get(name) ?? {};
    const pin =
      this.pinned !== undefined && Object.hasOwn(this.pinned.files, name) ? this.pinned.files[name] : undefined;
    if (pin !== undefined) return { name, hub, pin: { by: 'published pins', ...pin } };
    const record = Object.hasOwn(recorded, name) ? recorded[name] : undefined;
    return record === undefined ? { name, hub } : { name, hub, pin: { by: 'space.json', ...record } };
  }

  async #fetch(file: WantedFile, onBytes: (bytes: number) => void): Promise<FileDigest> {
    const digest = await downloadFile(file, {
      client: this.client,
      id: this.repository.id,
      commit: this.repository.commit,
      folder: this.folder.path,
      retries: this.retries,
      onBytes,
    });
    this.#fetched.add(file.name);
    return digest;
  }

  /** @throws PullSpaceError. */
  async #checkSpace(missing: readonly WantedFile[]): Promise<void> {
    const { freeBytes = freeBytesOf } = this.options;
    let needed = 0;
    for (const file of missing)
      needed += Math.max(
        0,
        (knownBytes(file) ?? 0) -
          ((await ifPresent(() => stat(join(this.folder.path, PARTIALS, `${file.name}.partial`))))?.size ?? 0),
      );
    const available = await freeBytes(this.folder.path);
    if (needed > available) throw new PullSpaceError(this.folder.path, needed, available);
  }
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
