import { HubFileHashError, HubFileSizeError, PinnedFileError, type Voucher } from '../errors.js';
import type { FileDigest } from './digest-file.js';

/** What a hub says about a file; nothing where it does not. */
export interface FileFacts {
  readonly bytes?: number;
  readonly sha256?: string;
  /** git's hash of the content; of files outside the large-file store. */
  readonly gitSha1?: string;
}

/** What something besides the hub says about a file. */
export interface Pin {
  readonly by: Voucher;
  readonly bytes?: number | undefined;
  readonly sha256: string;
}

/** A file of the repository that is to lie in the folder. */
export interface WantedFile {
  readonly name: string;
  readonly hub: FileFacts;
  readonly pin?: Pin;
}

export function knownBytes({ hub, pin }: WantedFile): number | undefined {
  return pin?.bytes ?? hub.bytes;
}

/** The hash that names the content; undefined where nothing is known. */
export function contentKey({ hub, pin }: WantedFile): string | undefined {
  return pin?.sha256 ?? hub.sha256 ?? hub.gitSha1;
}

/** Before anything is fetched. @throws PinnedFileError where the hub lists another file than the pin. */
export function checkAgainstPin({ name, hub, pin }: WantedFile): void {
  if (pin === undefined) return;
  if (hub.bytes !== undefined && pin.bytes !== undefined && hub.bytes !== pin.bytes)
    throw new PinnedFileError(name, pin.by, 'bytes', String(pin.bytes), String(hub.bytes));
  if (hub.sha256 !== undefined && hub.sha256 !== pin.sha256)
    throw new PinnedFileError(name, pin.by, 'SHA-256', pin.sha256, hub.sha256);
}

/** Whether these bytes are the file. @throws PinnedFileError, HubFileSizeError, HubFileHashError. */
export function checkDigest({ name, hub, pin }: WantedFile, digest: FileDigest): void {
  if (pin?.bytes !== undefined && digest.bytes !== pin.bytes)
    throw new PinnedFileError(name, pin.by, 'bytes', String(pin.bytes), String(digest.bytes));
  if (pin !== undefined && digest.sha256 !== pin.sha256)
    throw new PinnedFileError(name, pin.by, 'SHA-256', pin.sha256, digest.sha256);
  if (hub.bytes !== undefined && digest.bytes !== hub.bytes) throw new HubFileSizeError(name, hub.bytes, digest.bytes);
  if (hub.sha256 !== undefined && digest.sha256 !== hub.sha256)
    throw new HubFileHashError(name, 'SHA-256', hub.sha256, digest.sha256);
  if (hub.gitSha1 !== undefined && digest.gitSha1 !== hub.gitSha1)
    throw new HubFileHashError(name, 'git SHA-1', hub.gitSha1, digest.gitSha1);
}
