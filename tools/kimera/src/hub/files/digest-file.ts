import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

export interface FileDigest {
  readonly bytes: number;
  readonly sha256: string;
  /** As `git hash-object` gives it. */
  readonly gitSha1: string;
}

/** Reads a file once. @throws the signal's reason where it is aborted; the system's errors. */
export async function digestFile(path: string, stop: AbortSignal): Promise<FileDigest> {
  const { size } = await stat(path);
  const sha256 = createHash('sha256');
  const sha1 = createHash('sha1').update(`blob ${size}\0`);
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    stop.throwIfAborted();
    bytes += chunk.length;
    sha256.update(chunk);
    sha1.update(chunk);
  }
  return { bytes, sha256: sha256.digest('hex'), gitSha1: sha1.digest('hex') };
}
