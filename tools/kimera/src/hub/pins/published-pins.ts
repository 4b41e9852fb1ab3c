import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PUBLISHED_PINS } from '../../assets.js';
import { CONFIGURATION_FILES } from '../files/needed-files.js';
import type { FileFacts } from '../files/wanted-file.js';

const pinsSchema = z.array(
  z.strictObject({
    id: z.string(),
    commit: z.string().regex(/^[0-9a-f]{40}$/),
    files: z.record(
      z.string(),
      z.strictObject({ bytes: z.int().nonnegative().optional(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
    ),
  }),
);

/** A commit of a model whose files are known from other places than its hub. */
export type PinnedModel = z.infer<typeof pinsSchema>[number];

export function publishedPins(): readonly PinnedModel[] {
  return pinsSchema.parse(JSON.parse(readFileSync(PUBLISHED_PINS, 'utf8')));
}

/** Ids of a hub ignore case. */
export function pinsOf(pins: readonly PinnedModel[], id: string): PinnedModel | undefined {
  return pins.find((pinned) => pinned.id.toLowerCase() === id.toLowerCase());
}

/**
 * The listing of a pinned commit, without what could take the place of a pinned file: weights, heads or a space.json
 * that the pins do not name. A pinned file that is not listed is added, so that it is asked for instead of left out.
 */
export function listingUnderPins(
  listed: ReadonlyMap<string, FileFacts>,
  { files }: PinnedModel,
): ReadonlyMap<string, FileFacts> {
  const isHarmless = (name: string): boolean => CONFIGURATION_FILES.includes(name) || name.endsWith('/config.json');
  const pinned = Object.keys(files).map((name) => [name, listed.get(name) ?? {}] as const);
  return new Map([...[...listed].filter(([name]) => isHarmless(name)), ...pinned]);
}
