import { mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { HEAD_FILES, WEIGHT_FILES } from '@kimera/converter';
import { z } from 'zod';
import { FileInTheWayError, HubError, InvalidPullRecordError, OtherModelError } from '../errors.js';
import { digestFile, type FileDigest } from '../files/digest-file.js';
import { PARTIALS } from '../files/download-file.js';
import { checkNeededName } from '../files/file-name.js';
import { CONFIGURATION_FILES } from '../files/needed-files.js';
import { checkDigest, contentKey, type WantedFile } from '../files/wanted-file.js';

/** In the folder once a pull is done. */
export const RECORD = 'pulled.json';
/** Beside the partial files while it is not. */
const CLAIM = `${PARTIALS}/claim.json`;
/** Beyond the record of 100,000 files. */
const MAX_RECORD_BYTES = 32 << 20;
/** Names that the converter takes wherever it finds them. */
const TAKEN_BY_CONVERTER = ['space.json', ...CONFIGURATION_FILES, ...WEIGHT_FILES, ...HEAD_FILES];

const name = z.string().transform((value, context) => {
  try {
    return checkNeededName(value);
  } catch {
    context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is no file of a pull` });
    return z.NEVER;
  }
});
const file = z.strictObject({ bytes: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const recordSchema = z.strictObject({ id: z.string(), commit: z.string(), files: z.record(name, file) });
const claimSchema = z.strictObject({ id: z.string(), files: z.array(name) });

/** Model, commit, and the files of a finished pull. */
export type PullRecord = z.infer<typeof recordSchema>;

/** Undefined where the folder is not that of a finished pull. @throws InvalidPullRecordError. */
export function readPullRecord(folder: string): Promise<PullRecord | undefined> {
  return readRecord(join(folder, RECORD), recordSchema);
}

/** Files of a finished pull that have the size of its record and were not written to since it. */
export async function unchangedFiles(folder: string, { files }: PullRecord): Promise<PullRecord['files']> {
  const recorded = await stat(join(folder, RECORD));
  const entries = await Promise.all(
    Object.entries(files).map(async (entry) => {
      const [path, { bytes }] = entry;
      const status = await ifPresent(() => stat(join(folder, path)));
      return status?.isFile() === true && status.size === bytes && status.mtimeMs <= recorded.mtimeMs ? [entry] : [];
    }),
  );
  return Object.fromEntries(entries.flat());
}

/** A folder that one model is pulled into: which of its files came from pulls. The caller holds its lock. */
export class PullFolder {
  private constructor(
    readonly path: string,
    private readonly id: string,
    private readonly owned: Set<string>,
  ) {}

  /** @throws OtherModelError where earlier pulls were of another model; InvalidPullRecordError. */
  static async open(path: string, id: string): Promise<PullFolder> {
    const record = await readRecord(join(path, RECORD), recordSchema);
    const claim = await readRecord(join(path, CLAIM), claimSchema);
    for (const held of [record?.id, claim?.id])
      if (held !== undefined && held.toLowerCase() !== id.toLowerCase()) throw new OtherModelError(path, held, id);
    return new PullFolder(path, id, new Set([...Object.keys(record?.files ?? {}), ...(claim?.files ?? [])]));
  }

  /** What the folder has of the files already, by name. @throws FileInTheWayError; the stop signal's reason. */
  async survey(wanted: readonly WantedFile[], stop: AbortSignal): Promise<ReadonlyMap<string, FileDigest>> {
    const there = new Map<string, FileDigest>();
    for (const each of wanted) {
      const path = join(this.path, each.name);
      const status = await ifPresent(() => stat(path));
      if (status === undefined) continue;
      const digest = status.isFile() && contentKey(each) !== undefined ? await digestFile(path, stop) : undefined;
      if (digest !== undefined && isRight(each, digest)) there.set(each.name, digest);
      else if (!status.isFile() || !this.owned.has(each.name)) throw new FileInTheWayError(path);
    }
    return there;
  }

  /** What the converter would take although it is not of this commit. @throws FileInTheWayError. */
  async checkStrangers(wanted: readonly WantedFile[]): Promise<void> {
    const names = new Set(wanted.map((each) => each.name));
    for (const stranger of TAKEN_BY_CONVERTER.filter(
      (candidate) => !names.has(candidate) && !this.owned.has(candidate),
    )) {
      if ((await ifPresent(() => stat(join(this.path, stranger)))) !== undefined)
        throw new FileInTheWayError(join(this.path, stranger));
    }
  }

  /**
   * Notes on the disk that these files are ours from now on, so that a later pull may replace and remove them. The
   * record of an earlier pull ends here: the folder is about to change.
   */
  async claim(wanted: readonly WantedFile[]): Promise<void> {
    for (const each of wanted) this.owned.add(each.name);
    await writeWhole(join(this.path, CLAIM), { id: this.id, files: [...this.owned] } satisfies z.infer<
      typeof claimSchema
    >);
    await rm(join(this.path, RECORD), { force: true });
  }

  /** Removes what earlier commits left and the partial files, and writes the record. */
  async finish(record: PullRecord): Promise<void> {
    for (const each of this.owned)
      if (!Object.hasOwn(record.files, each)) await rm(join(this.path, each), { force: true });
    await writeWhole(join(this.path, RECORD), record);
    await rm(join(this.path, PARTIALS), { recursive: true, force: true });
  }
}

/**
 * Removes what a refused pull leaves empty. @param made the outermost folder that the pull made, or undefined where
 * `path` was there before.
 */
export async function removeEmpty(path: string, made: string | undefined): Promise<void> {
  const folders = [join(path, PARTIALS)];
  if (made !== undefined) for (let at = path; at.startsWith(made); at = dirname(at)) folders.push(at);
  for (const folder of folders) await rmdir(folder).catch(() => undefined);
}

function isRight(wanted: WantedFile, digest: FileDigest): boolean {
  try {
    checkDigest(wanted, digest);
    return true;
  } catch (error) {
    if (error instanceof HubError) return false;
    throw error;
  }
}

async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await ifPresent(() => stat(path));
  if (bytes === undefined) return undefined;
  if (bytes.size > MAX_RECORD_BYTES)
    throw new InvalidPullRecordError(path, `${bytes.size} bytes, at most ${MAX_RECORD_BYTES} are read`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    throw new InvalidPullRecordError(path, 'not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new InvalidPullRecordError(path, z.prettifyError(parsed.error).replaceAll('\n', ' ').slice(0, 300));
  return parsed.data;
}

async function writeWhole(path: string, document: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.draft`, `${JSON.stringify(document, null, 1)}\n`);
  await rename(`${path}.draft`, path);
}
