import { z } from 'zod';
import { InvalidHubAnswerError } from '../errors.js';
import { checkListedName } from '../files/file-name.js';
import type { FileFacts } from '../files/wanted-file.js';
import type { HubClient } from './hub-client.js';
import { readText } from './read-text.js';
import { retrying, type RetryOptions } from './retrying.js';

/** 100,000 files have 20 MB. */
const MAX_LISTING_BYTES = 32 << 20;
const COMMIT = /^[0-9a-f]{40}$/;

const bytes = z.int().nonnegative();
const listingSchema = z.object({
  sha: z.string().regex(COMMIT, 'expected a commit of 40 hex digits'),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: bytes.nullish(),
      /** git SHA-1; of a file in the large-file store that of its pointer. */
      blobId: z
        .string()
        .regex(/^[0-9a-f]{40}$/)
        .nullish(),
      lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: bytes }).nullish(),
    }),
  ),
});

/** A model repository at one commit. */
export interface Repository {
  readonly id: string;
  readonly commit: string;
  /** Name → what the hub says about it. */
  readonly files: ReadonlyMap<string, FileFacts>;
}

/** Resolves a revision. @throws InvalidHubAnswerError, UnsafeFileNameError, and the errors of requests. */
export async function readRepository(
  client: HubClient,
  id: string,
  revision: string,
  retries: RetryOptions,
): Promise<Repository> {
  const { url, text } = await retrying(async () => {
    const answer = await client.get({
      path: `api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`,
      subject: 'model or revision',
    });
    return { url: answer.url, text: await readText(answer, MAX_LISTING_BYTES) };
  }, retries);
  const parsed = listingSchema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new InvalidHubAnswerError(
      url,
      `not a listing of a model: ${z.prettifyError(parsed.error).replaceAll('\n', ' ').slice(0, 300)}`,
    );
  const { sha, siblings } = parsed.data;
  if (COMMIT.test(revision) && sha !== revision)
    throw new InvalidHubAnswerError(url, `commit ${sha} instead of ${revision}`);
  const files = new Map<string, FileFacts>();
  for (const { rfilename, size, blobId, lfs } of siblings)
    files.set(checkListedName(rfilename), factsOf(size ?? lfs?.size, lfs?.sha256, blobId ?? undefined));
  return { id, commit: sha, files };
}

function factsOf(size: number | undefined, sha256: string | undefined, blobId: string | undefined): FileFacts {
  return {
    ...(size === undefined ? {} : { bytes: size }),
    ...(sha256 !== undefined ? { sha256 } : blobId !== undefined ? { gitSha1: blobId } : {}),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
