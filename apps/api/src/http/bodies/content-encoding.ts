import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { HttpError } from '../../errors.js';

/** From Node 22.15 on. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Transform };

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', zlib.createGunzip],
  ['x-gzip', zlib.createGunzip],
  ['deflate', zlib.createInflate],
  ['br', zlib.createBrotliDecompress],
  ...(createZstdDecompress === undefined ? [] : [['zstd', createZstdDecompress] as const]),
]);

/** How a body may be compressed, by the names of the header Content-Encoding. */
export const CONTENT_ENCODINGS: readonly string[] = [...DECODERS.keys()].filter((name) => name !== 'x-gzip');

/** What makes the body of a request plain; undefined where it is. @throws HttpError. */
export function decoderOf(header: string | undefined): Transform | undefined {
  const name = (header ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return undefined;
  const create = DECODERS.get(name);
  if (create === undefined)
    throw new HttpError(
      'unsupported_content_encoding',
      `unsupported content encoding ${JSON.stringify(name.slice(0, 100))}: this server reads ${CONTENT_ENCODINGS.join(', ')}`,
    );
  return create();
}
