import type { HubAnswer } from '../client/hub-client.js';
import { HubFileHashError, HubFileSizeError, InvalidHubAnswerError, UnverifiableFileError } from '../errors.js';
import { checkAgainstPin, contentKey, type FileFacts, type WantedFile } from './wanted-file.js';

/**
 * A file with what the answer to its request adds: X-Linked-Size and X-Linked-Etag (SHA-256 of a file in the large-file
 * store), or ETag (git SHA-1 of another one). @throws InvalidHubAnswerError, HubFileSizeError, HubFileHashError,
 * PinnedFileError where the answer contradicts what is known, and UnverifiableFileError where no hash is known still.
 */
export function announcedFile(wanted: WantedFile, { url, headers, told }: HubAnswer, commit: string): WantedFile {
  const { name, hub } = wanted;
  if (told.commit !== null && told.commit !== commit)
    throw new InvalidHubAnswerError(url, `it is of commit ${told.commit.slice(0, 40)} instead of ${commit}`);
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    throw new InvalidHubAnswerError(url, `it is encoded as ${encoding.slice(0, 40)}, which was not asked for`);
  const bytes = wholeNumber(told.bytes);
  if (bytes !== undefined && hub.bytes !== undefined && bytes !== hub.bytes)
    throw new HubFileSizeError(name, hub.bytes, bytes);
  const tag = /^(?:W\/)?"?([0-9a-f]+)"?$/.exec(told.etag ?? '')?.[1] ?? '';
  if (tag.length === 64 && hub.sha256 !== undefined && tag !== hub.sha256)
    throw new HubFileHashError(name, 'SHA-256', hub.sha256, tag);
  const facts: FileFacts = {
    ...(bytes === undefined ? {} : { bytes }),
    ...(contentKey({ name, hub }) !== undefined
      ? {}
      : tag.length === 64
        ? { sha256: tag }
        : tag.length === 40
          ? { gitSha1: tag }
          : {}),
    ...hub,
  };
  const announced = { ...wanted, hub: facts };
  checkAgainstPin(announced);
  if (contentKey(announced) === undefined) throw new UnverifiableFileError(name);
  return announced;
}

/** Bytes of the whole file by the length or the range of an answer, or undefined where it has none. */
export function announcedBytes({ status, headers }: HubAnswer): number | undefined {
  return wholeNumber(
    status === 206 ? (headers.get('content-range')?.split('/')[1] ?? null) : headers.get('content-length'),
  );
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
