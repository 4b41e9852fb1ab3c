import { join } from 'node:path';
import type { HubAnswer, HubClient } from '../client/hub-client.js';
import { retrying, type RetryOptions } from '../client/retrying.js';
import {
  HubConnectionError,
  HubFileHashError,
  HubFileSizeError,
  HubRangeError,
  InvalidHubAnswerError,
  PinnedFileError,
} from '../errors.js';
import { announcedBytes, announcedFile } from './announced-file.js';
import { digestFile, type FileDigest } from './digest-file.js';
import { PartialFile } from './partial-file.js';
import { checkDigest, contentKey, knownBytes, type WantedFile } from './wanted-file.js';

/** Where partial files lie, below the folder that is pulled into. */
export const PARTIALS = '.pull';

export interface DownloadOptions {
  readonly client: HubClient;
  readonly id: string;
  readonly commit: string;
  readonly folder: string;
  readonly retries: RetryOptions;
  /** Bytes of this file that are on the disk; falls where a download starts over. */
  readonly onBytes: (bytes: number) => void;
}

/** Wrong bytes: the cause may lie on the way, so the file is fetched once more from its first byte. */
const DAMAGED = [HubFileSizeError, HubFileHashError, PinnedFileError];

/**
 * Fetches a file, going on where an earlier attempt or process stopped, and puts it in place once its hash is right.
 * @throws HubFileSizeError,
 * HubFileHashError, PinnedFileError where it was wrong twice, with nothing left of it; UnverifiableFileError; the
 * errors of requests and the stop signal's reason, with its first bytes kept.
 */
export async function downloadFile(wanted: WantedFile, options: DownloadOptions): Promise<FileDigest> {
  try {
    return await download(wanted, options);
  } catch (error) {
    if (!DAMAGED.some((damage) => error instanceof damage)) throw error;
    return download(wanted, options);
  }
}

async function download(wanted: WantedFile, options: DownloadOptions): Promise<FileDigest> {
  const { folder, commit, retries, onBytes } = options;
  const partial = await PartialFile.open(join(folder, PARTIALS), wanted.name, contentKey(wanted) ?? commit);
  let reached = partial.bytes;
  const onPosition = (): void => {
    reached = Math.max(reached, partial.bytes);
    onBytes(partial.bytes);
  };
  try {
    onPosition();
    const announced = await retrying(() => fetchRest(wanted, partial, { ...options, onPosition }), {
      ...retries,
      reached: () => reached,
    });
    const digest = await digestFile(partial.path, retries.stop);
    checkDigest(announced, digest);
    await partial.moveTo(join(folder, wanted.name));
    return digest;
  } catch (error) {
    if (DAMAGED.some((damage) => error instanceof damage)) await partial.discard();
    throw error;
  } finally {
    await partial.close();
  }
}

/** One request for the bytes that are missing. Gives what is known about the file then. */
async function fetchRest(
  wanted: WantedFile,
  partial: PartialFile,
  { client, id, commit, onPosition }: DownloadOptions & { readonly onPosition: () => void },
): Promise<WantedFile> {
  const listed = knownBytes(wanted);
  if (listed !== undefined && partial.bytes > listed) await partial.restart(null);
  if (partial.bytes === listed && contentKey(wanted) !== undefined) return wanted;
  const from = partial.bytes;
  const answer = await client.get({
    path: `${id}/resolve/${commit}/${wanted.name.split('/').map(encodeURIComponent).join('/')}`,
    subject: 'file',
    headers:
      from === 0 ? {} : { range: `bytes=${from}-`, ...(partial.etag === null ? {} : { 'if-range': partial.etag }) },
  });
  let total: number;
  let announced: WantedFile;
  try {
    announced = announcedFile(wanted, answer, commit);
    await takeUp(partial, from, answer);
    const whole = announcedBytes(answer);
    const bytes = knownBytes(announced) ?? whole;
    if (bytes === undefined) throw new InvalidHubAnswerError(answer.url, 'it does not say how many bytes the file has');
    if (whole !== undefined && whole !== bytes) throw new HubFileSizeError(wanted.name, bytes, whole);
    total = bytes;
  } catch (error) {
    await answer.discard();
    throw error;
  }
  for await (const chunk of answer.body()) {
    if (partial.bytes + chunk.length > total)
      throw new HubFileSizeError(wanted.name, total, partial.bytes + chunk.length);
    await partial.append(chunk);
    onPosition();
  }
  if (partial.bytes < total)
    throw new HubConnectionError(answer.url, `the connection ended after ${partial.bytes} of ${total} bytes`);
  return announced;
}

/**
 * Leaves the partial file at the byte that the answer begins with. @throws HubRangeError where there is none, with the
 * partial file empty.
 */
async function takeUp(partial: PartialFile, from: number, { url, status, headers }: HubAnswer): Promise<void> {
  const etag = headers.get('etag');
  if (status === 200) return partial.restart(etag);
  const start = /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(headers.get('content-range') ?? '')?.[1];
  const reason =
    status === 416
      ? 'the file ends before it'
      : start === undefined || Number(start) !== from
        ? `it sends from byte ${start ?? 'unknown'}`
        : partial.etag !== null && etag !== null && etag !== partial.etag
          ? 'the file has changed'
          : undefined;
  if (reason === undefined) return;
  await partial.restart(null);
  throw new HubRangeError(url, from, reason);
}
