import {
  checkDimension,
  NoMigrationError,
  SpaceMismatchError,
  type Figures,
  type Migration,
  type SourceRow,
  type TextEmbedder,
} from '@kimera/core';
import { DEFAULT_MARGIN, MINIMUM_QUERIES, neededQueries, POWER, queriesToDecide } from '@kimera/evaluation';
import { embedRows } from './embed-rows.js';
import { SameSpaceError } from './errors.js';
import type { MigrationParts } from './parts.js';
import { TRANSITIONS } from './transitions.js';

/** Rows that a plan embeds with both models to measure them: as many as a job has, so that it is measured as it will run. */
export const PLAN_ROWS = 256;

export interface SideOfPlan {
  readonly modelId: string;
  readonly space: string;
  readonly dimension: number;
  readonly maxTokens: number;
  /** Mean over the sample, prompt and special tokens included, before truncation. */
  readonly tokensPerRow: number;
  /** Share of the sample that is longer than the model's limit. */
  readonly truncatedShare: number;
  /** Rows of the sample that this model cannot embed: they would block the cutover. */
  readonly cannotEmbed: readonly string[];
}

/** What a migration will take, from a sample of the rows on this machine. */
export interface MigrationPlan {
  readonly collection: string;
  readonly rows: number;
  readonly sampledRows: number;
  readonly source: SideOfPlan;
  readonly target: SideOfPlan;
  /** Tokens that the target model will read. */
  readonly tokens: number;
  readonly rowsPerSecond: number;
  /** Of the backfill with one worker like this process. */
  readonly seconds: number;
  readonly bytes: number;
  readonly freeBytes: number | null;
  /** δ: a loss of mean nDCG@10 up to this counts as none. Fixed for the migration. */
  readonly margin: number;
  /**
   * Judged queries with which the gate has said GO in 85 % of migrations between equally good models (σ 0.3), however
   * often it is asked on the way.
   */
  readonly judgedQueries: number;
  /** Those with which it has done so in half of them. */
  readonly judgedQueriesOfHalf: number;
  /** Judged queries that a test asked only once would need for 85 %: the price of asking again is the difference. */
  readonly judgedQueriesAtOneLook: number;
  /** Judged queries below which the gate never decides, however much the models differ. */
  readonly leastQueries: number;
}

export interface PlanOptions {
  /** δ of the gate, in nDCG@10, default {@link DEFAULT_MARGIN}. */
  readonly margin?: number;
  readonly sampleRows?: number;
  readonly seed?: number;
}

/**
 * Measures on a sample; writes nothing.
 * @throws UnknownCollectionError, SpaceMismatchError where `source` is not the model of the active space,
 * SameSpaceError, DimensionTooLargeError, SettingRangeError where the margin is not between 0 and 1.
 */
export async function measurePlan(
  { store, collection, source, target }: Omit<MigrationParts, 'by'>,
  { margin = DEFAULT_MARGIN, sampleRows = PLAN_ROWS, seed = 1 }: PlanOptions = {},
): Promise<MigrationPlan> {
  const judgedQueries = queriesToDecide({ margin, power: POWER });
  const { activeSpace } = await store.collections.collection(collection);
  if (target.space.fingerprint === activeSpace) throw new SameSpaceError(activeSpace, target.space.modelId);
  if (source.space.fingerprint !== activeSpace)
    throw new SpaceMismatchError(activeSpace, source.space.fingerprint, `the source model ${source.space.modelId}`);
  checkDimension(target.space, store.capacity.maxDimension);
  const rows = await store.collections.countRows(collection);
  const sample = await store.collections.sampleRows(collection, sampleRows, seed);
  const before = await measureSide(source, sample);
  const after = await measureSide(target, sample);
  const rowsPerSecond = after.seconds === 0 ? 0 : sample.length / after.seconds;
  return {
    collection,
    rows,
    sampledRows: sample.length,
    source: before.side,
    target: after.side,
    tokens: Math.round(after.side.tokensPerRow * rows),
    rowsPerSecond,
    seconds: rowsPerSecond === 0 ? 0 : rows / rowsPerSecond,
    bytes: store.capacity.estimateBytes(rows, target.space.dimension),
    freeBytes: (await store.capacity.freeBytes()) ?? null,
    margin,
    judgedQueries,
    judgedQueriesOfHalf: queriesToDecide({ margin, power: 0.5 }),
    judgedQueriesAtOneLook: neededQueries({ margin, power: POWER }),
    leastQueries: MINIMUM_QUERIES,
  };
}

/**
 * Measures, and records the migration as planned. Planned again with the same target, the record stays and the log gets
 * a line. @throws as measurePlan, and MigrationUnderWayError.
 */
export async function planMigration(
  parts: MigrationParts,
  options: PlanOptions = {},
): Promise<{ readonly plan: MigrationPlan; readonly migration: Migration }> {
  const { store, collection, target, by } = parts;
  const plan = await measurePlan(parts, options);
  const planned = await plannedMigration(parts);
  if (planned !== undefined && planned.target.fingerprint === target.space.fingerprint) {
    await store.migrations.note(planned.id, by, 'plan', figuresOf(plan));
    return { plan, migration: planned };
  }
  if (planned !== undefined)
    await store.migrations.transition(planned.id, by, {
      ...TRANSITIONS.retire,
      event: 'retire',
      figures: { reason: 'another target was planned' },
    });
  return { plan, migration: await store.migrations.createMigration(collection, target.space, by, figuresOf(plan)) };
}

async function plannedMigration({ store, collection }: MigrationParts): Promise<Migration | undefined> {
  try {
    const migration = await store.migrations.latestMigration(collection);
    return migration.state === 'planned' ? migration : undefined;
  } catch (error) {
    if (error instanceof NoMigrationError) return undefined;
    throw error;
  }
}

async function measureSide(
  embedder: TextEmbedder,
  sample: readonly SourceRow[],
): Promise<{ readonly side: SideOfPlan; readonly seconds: number }> {
  const { modelId, fingerprint, dimension, maxTokens } = embedder.space;
  const started = performance.now();
  const { embedded, poison } = await embedRows(embedder, sample);
  const seconds = (performance.now() - started) / 1000;
  const share = (count: number): number => (embedded.length === 0 ? 0 : count / embedded.length);
  return {
    seconds,
    side: {
      modelId,
      space: fingerprint,
      dimension,
      maxTokens,
      cannotEmbed: poison.map(({ id }) => id),
      tokensPerRow: share(embedded.reduce((sum, { embedding }) => sum + embedding.totalTokens, 0)),
      truncatedShare: share(embedded.filter(({ embedding }) => embedding.truncated).length),
    },
  };
}

function figuresOf({ rows, tokens, seconds, bytes, source, target, margin, judgedQueries }: MigrationPlan): Figures {
  return {
    margin,
    judgedQueries,
    rows,
    tokens,
    seconds: Math.round(seconds),
    bytes,
    truncatedShareBefore: source.truncatedShare,
    truncatedShareAfter: target.truncatedShare,
  };
}
