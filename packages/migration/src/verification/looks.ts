import { contentHash, type LookedAtQuery, type MigrationEvent } from '@kimera/core';
import { DEFAULT_MARGIN } from '@kimera/evaluation';
import { MarginFixedError } from '../errors.js';
import type { JudgedQuery } from './judged-query.js';

/**
 * δ of the migration: that of its last plan, and where that is older than this rule that of its first verification.
 * @throws MarginFixedError where another is asked for.
 */
export function marginOf(events: readonly MigrationEvent[], asked: number | undefined): number {
  const named = (event: MigrationEvent | undefined): number | undefined => {
    const margin = event?.figures['margin'];
    return typeof margin === 'number' ? margin : undefined;
  };
  const fixed =
    named(events.findLast((event) => event.event === 'plan' && named(event) !== undefined)) ??
    named(events.find(({ event }) => event === 'verify'));
  if (fixed !== undefined && asked !== undefined && asked !== fixed) throw new MarginFixedError(fixed, asked);
  return fixed ?? asked ?? DEFAULT_MARGIN;
}

export interface NewQuery {
  readonly query: JudgedQuery;
  readonly hash: string;
  readonly judgements: string;
}

/** The queries of one look, by what becomes of them. */
export interface Look {
  /**
   * Not counted in this migration yet, in the order of their hash: nobody chooses it, and one look has the same order
   * each time.
   */
  readonly added: readonly NewQuery[];
  /** Counted by an earlier look. */
  readonly known: number;
  /** Of `known`, those whose judgements are others by now: what was counted first stands. */
  readonly changed: number;
  /** Texts that came before in the same file: the first one counts. */
  readonly repeated: number;
}

/** A query is its text, by its hash: the same one counts once a migration. */
export async function sortQueries(queries: readonly JudgedQuery[], counted: readonly LookedAtQuery[]): Promise<Look> {
  const before = new Map(counted.map(({ hash, judgements }) => [hash, judgements]));
  const given = new Map<string, NewQuery>();
  for (const query of queries) {
    const hash = await contentHash(query.text);
    if (!given.has(hash)) given.set(hash, { query, hash, judgements: await judgementsHash(query) });
  }
  const unique = [...given.values()];
  const known = unique.filter(({ hash }) => before.has(hash));
  return {
    added: unique.filter(({ hash }) => !before.has(hash)).sort((a, b) => (a.hash < b.hash ? -1 : 1)),
    known: known.length,
    changed: known.filter(({ hash, judgements }) => before.get(hash) !== judgements).length,
    repeated: queries.length - unique.length,
  };
}

/** The same for the same grades in any order. */
function judgementsHash({ relevant }: JudgedQuery): Promise<string> {
  const grades = Object.entries(relevant).sort(([a], [b]) => (a < b ? -1 : 1));
  return contentHash(JSON.stringify(grades));
}
