import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KimeraError, type TextEmbedder } from '@kimera/core';
import {
  adoptTable,
  cutOver,
  planMigration,
  rollBack,
  startMigration,
  verifyMigration,
  type MigrationParts,
} from '@kimera/migration';
import { openModelAt, parseConfiguration } from '@kimera/serving';
import { openStore } from '@kimera/store-postgres';
import { z } from 'zod';
import type { Checks } from '../checks.js';
import { ROOT } from '../models.js';
import { describeMachine } from '../report/machine.js';
import { Application, TABLE } from './application.js';
import { compareHere, compareWithWitness, type Comparing } from './compare-rows.js';
import { Fleet } from './fleet.js';
import { Freshness } from './freshness.js';
import type { StressOptions } from './options.js';
import { OwnServer } from './own-server.js';
import { Readers } from './readers.js';
import { writeStaticTwin } from './static-twin.js';

const COLLECTION = 'stress';
const POLL_MILLISECONDS = 200;
/** Half a minute, within which a worker looks many times. */
const LOOKS_FOR_GONE_ROWS = 150;
/** Of a static model that is made for the run. */
const TWIN_DIMENSION = 128;
/** Jobs for each kill, so that it meets one. */
const JOBS_A_KILL = 4;
const MOST_ROWS_A_JOB = 256;

/** What a run leaves for one that goes on. */
const figuresFile = z.object({
  kills: z.number(),
  restarts: z.number(),
  freshBefore: z.array(z.number()),
  freshDuring: z.array(z.number()),
  backfillSeconds: z.number(),
});
type Figures = z.infer<typeof figuresFile>;

export interface StressReport {
  readonly schema: 'kimera-stress/1';
  readonly date: string;
  readonly seconds: number;
  readonly machine: ReturnType<typeof describeMachine>;
  readonly server: string;
  readonly options: Omit<StressOptions, 'folder' | 'report' | 'database' | 'from' | 'to'>;
  readonly models: readonly [string, string];
  readonly figures: Readonly<Record<string, string | number>>;
  readonly checks: Checks['results'];
}

/**
 * Plays the whole migration, or what an earlier run on the folder has left of it. @param seconds for which it is watched
 * before and after; within which a row that SQL changed must be searchable, at the median.
 */
export async function runStress(
  options: StressOptions,
  checks: Checks,
  progress: (line: string) => void,
  seconds: { readonly watched: number; readonly searchable: number } = { watched: 20, searchable: 2 },
): Promise<StressReport> {
  const started = performance.now();
  const { folder, rows, workers, kills, restarts } = options;
  const models = join(folder, 'models');
  await mkdir(models, { recursive: true });
  const figuresPath = join(folder, 'figures.json');
  const figures = await readFigures(figuresPath);
  const keep = (): Promise<void> => writeFile(figuresPath, JSON.stringify(figures));
  if (options.from.endsWith('/twin')) await writeStaticTwin(join(models, 'twin'), TWIN_DIMENSION);
  const open = (path: string) =>
    openModelAt(
      path.endsWith('/twin') ? join(models, 'twin') : path,
      parseConfiguration({ KIMERA_VARIANT: 'full' }, ROOT),
      SILENT,
    );
  const [source, target] = [await open(options.from), await open(options.to)];
  const server = await OwnServer.start(options.postgres, join(folder, 'postgres'), options.database);
  const application = new Application(server, server.url);
  const store = await openStore({ database: server.url });
  const parts: MigrationParts = { store, collection: COLLECTION, source, target, by: `stress ${process.pid}` };
  let fleet: Fleet | undefined;

  /** Calls of this process meet the restarts too. */
  const patient = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof KimeraError) || error.kind !== 'retryable') throw error;
        await delay(POLL_MILLISECONDS);
      }
    }
  };
  const pending = async (model: TextEmbedder): Promise<number> =>
    patient(() => store.changes.countPending(COLLECTION, model.space.fingerprint));
  const caughtUp = async (model: TextEmbedder, most: number): Promise<void> => {
    for (let left = await pending(model); left > most; left = await pending(model)) {
      progress(`${model.space.modelId}: ${left} rows wait`);
      fleet?.check();
      await delay(POLL_MILLISECONDS);
    }
  };

  try {
    checks.scenario(`${rows} rows, ${source.space.modelId} → ${target.space.modelId}`);
    await application.fill(rows, (done) => progress(`${done} of ${rows} rows`));
    if (
      !(await store.collections.names()).includes(COLLECTION) ||
      !(await store.adoption.progress(COLLECTION)).finished
    )
      await adoptTable(
        { store: store.adoption, model: source },
        { table: TABLE, collection: COLLECTION, id: ['id'], text: 'content', tenant: null, vector: null },
        { vectors: 'embedded' },
      );
    fleet = new Fleet(workers, [
      ...['--database', server.url, '--collection', COLLECTION, '--lease', String(options.lease), '--models', models],
      ...(options.rate === undefined ? [] : ['--rate', String(options.rate)]),
    ]);
    await caughtUp(source, 0);

    application.start(options.writesPerSecond);
    const readers = await Readers.of(store, COLLECTION, server, [source, target]);
    readers.start(options.readers);
    const freshness = new Freshness(application, store, COLLECTION, server);
    freshness.start();

    let state = await stateOf(parts);
    if (state === 'none') {
      await delay(seconds.watched * 1000);
      figures.freshBefore = [...freshness.take()];
      await keep();
      const held = await heldVectors(application, source);
      await application.query(
        `DROP TABLE IF EXISTS stress.original; CREATE TABLE stress.original AS SELECT id, content_hash, vector_send(embedding) AS bytes FROM ${held}`,
      );
      await planMigration(parts, { sampleRows: 32 });
      state = 'planned';
    }
    if (state === 'planned')
      await startMigration(parts, {
        rowsPerJob: Math.max(8, Math.min(MOST_ROWS_A_JOB, Math.floor(rows / (JOBS_A_KILL * Math.max(1, kills))))),
      });
    freshness.take();

    const { id } = await store.migrations.latestMigration(COLLECTION);
    const backfillStarted = performance.now();
    const before = figures.backfillSeconds;
    for (let last = 0; ;) {
      const { done, waiting, active, failed } = await patient(() => store.jobs.counts(id));
      fleet.check();
      const share = done / Math.max(1, done + waiting + active + failed);
      const isDone = waiting + active === 0;
      if (!isDone) figures.backfillSeconds = before + (performance.now() - backfillStarted) / 1000;
      const due = (count: number, of: number): boolean => count < of && (isDone || share >= (count + 1) / (of + 1));
      progress(
        `backfill: ${done} jobs done, ${waiting + active} left; ${figures.kills} kills, ${figures.restarts} restarts`,
      );
      if (due(figures.restarts, server.isOwn ? restarts : 0)) {
        await server.restart(figures.restarts % 2 === 0 ? 'fast' : 'immediate');
        figures.restarts += 1;
      } else if (due(figures.kills, kills) && performance.now() - last > (isDone ? 500 : 0)) {
        await fleet.killOne();
        figures.kills += 1;
        last = performance.now();
      } else if (isDone && figures.kills >= kills && figures.restarts >= (server.isOwn ? restarts : 0)) break;
      figures.freshDuring.push(...freshness.take());
      await keep();
      await delay(POLL_MILLISECONDS);
    }
    // An earlier run may have been stopped while it compared rows.
    if ((await stateOf(parts)) !== 'cut-over') {
      await verified(parts, progress);
      await patient(() => cutOver(parts));
    }
    const { figures: cutover = {} } =
      (await store.migrations.events(id)).findLast(({ event }) => event === 'cutover') ?? {};
    await delay(seconds.watched * 500);
    const freshAfter = freshness.take();
    await Promise.all([application.stop(), readers.stop(), freshness.stop()]);
    await caughtUp(target, 0);
    await caughtUp(source, 0);

    const live = await application.number(`SELECT count(*) AS number FROM ${TABLE}`);
    const comparing: Comparing = {
      ...{ parts, application, progress, model: options.to },
      held: await heldVectors(application, target),
      step: Math.max(1, Math.floor(live / (options.check ?? Infinity))),
    };
    const compared = await (options.checkBy === 'same'
      ? compareHere(comparing)
      : compareWithWitness(folder, comparing));
    checks.check(
      'every live row has exactly one new vector, that of its text',
      compared.wrong === 0 && compared.compared > 0,
      `${compared.compared} of ${live} rows embedded again by ${compared.madeBy}${compared.wrong > 0 ? `; ${compared.wrong} wrong: ${compared.ids.join(', ')}` : ''}`,
    );
    for (const model of [source, target]) {
      const held = await heldVectors(application, model);
      const count = (): Promise<number> => application.number(`SELECT count(*) AS number FROM ${held}`);
      let stored = await count();
      // Nobody counts the rows that are gone as waiting: workers meet them when they look next.
      for (let looks = 0; stored !== live && looks < LOOKS_FOR_GONE_ROWS; looks++) {
        await delay(POLL_MILLISECONDS);
        stored = await count();
      }
      checks.check(
        `deleted rows have none: ${model.space.modelId}`,
        stored === live,
        `${stored} vectors of ${live} rows, ${application.statements.delete} deleted`,
      );
    }
    const rollback = await patient(() => rollBack(parts));
    const old = await heldVectors(application, source);
    const unchanged = `FROM stress.original o JOIN ${old} v ON v.id = o.id AND v.content_hash = o.content_hash`;
    const [same, all] = [
      await application.number(`SELECT count(*) AS number ${unchanged} WHERE vector_send(v.embedding) = o.bytes`),
      await application.number(`SELECT count(*) AS number ${unchanged}`),
    ];
    const coverage = await store.vectors.coverage(COLLECTION, source.space.fingerprint);
    checks.check(
      'after the rollback the old vectors are byte-equal, and changed rows have theirs',
      same === all && all > 0 && coverage.current === coverage.rows,
      `${same} of ${all} unchanged rows byte-equal, ${coverage.current} of ${coverage.rows} rows current`,
    );
    checks.check(
      'no reader met an error but at restarts',
      readers.errors.length === 0 && readers.milliseconds.length > 0,
      readers.errors[0] ?? `${readers.milliseconds.length} searches, ${readers.atRestarts} errors at restarts`,
    );
    checks.check(
      'no writer met an error but at restarts',
      application.errors.length === 0,
      application.errors[0] ??
        `${application.statements.insert} inserts, ${application.statements.update} updates, ${application.statements.delete} deletes in this run`,
    );
    checks.check(
      'workers lived through everything but SIGKILL',
      fleet.endedAlone.length === 0 && fleet.size === workers,
      fleet.endedAlone.length === 0
        ? `${figures.kills} killed and replaced, ${figures.restarts} restarts`
        : `ended with ${fleet.endedAlone.join(', ')}`,
    );
    const phases: readonly (readonly [string, readonly number[]])[] = [
      ['without a migration', figures.freshBefore],
      ['during the backfill', figures.freshDuring],
      ['after the cutover', freshAfter],
    ];
    for (const [phase, times] of phases)
      checks.check(
        `a row changed by SQL is searchable within ${seconds.searchable} s, at the median: ${phase}`,
        times.length > 0 && median(times) <= seconds.searchable * 1000,
        `median ${median(times).toFixed(0)} ms, slowest ${Math.max(0, ...times).toFixed(0)} ms of ${times.length}`,
      );
    const { rate, check, checkBy, lease, writesPerSecond, postgres } = options;
    return {
      schema: 'kimera-stress/1',
      date: new Date().toISOString(),
      seconds: Math.round((performance.now() - started) / 1000),
      machine: describeMachine(),
      server: await versionOf(application),
      options: {
        ...{ rows, workers, writesPerSecond, readers: options.readers, kills, restarts, lease, postgres, checkBy },
        ...(rate === undefined ? {} : { rate }),
        ...(check === undefined ? {} : { check }),
      },
      models: [source.space.modelId, target.space.modelId],
      figures: {
        'backfill, seconds': Math.round(figures.backfillSeconds),
        'rows a second, all workers': Math.round(rows / Math.max(0.1, figures.backfillSeconds)),
        'writers waited at the cutover, ms': Number(cutover['blockedMilliseconds']),
        'writers waited at the rollback, ms': Math.round(rollback.blockedMilliseconds),
        'searches, p50 ms': Math.round(median(readers.milliseconds)),
        ...Object.fromEntries(
          phases.map(([phase, times]) => [`searchable ${phase}, median ms`, Math.round(median(times))]),
        ),
      },
      checks: checks.results,
    };
  } finally {
    await fleet?.stop();
    await store.close();
    await application.close();
    await Promise.all([source.close(), target.close()]);
    await server.stop();
  }
}

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function readFigures(path: string): Promise<Figures> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined
    ? { kills: 0, restarts: 0, freshBefore: [], freshDuring: [], backfillSeconds: 0 }
    : figuresFile.parse(JSON.parse(text));
}

async function stateOf({ store, collection }: MigrationParts): Promise<string> {
  try {
    return (await store.migrations.latestMigration(collection)).state;
  } catch (error) {
    if (error instanceof KimeraError && error.code === 'NO_MIGRATION') return 'none';
    throw error;
  }
}

/** Waits for what other processes have at hand. */
async function verified(parts: MigrationParts, progress: (line: string) => void): Promise<void> {
  for (;;) {
    try {
      await verifyMigration(parts, { accept: 'a stress run without judged queries', onProgress: progress });
      return;
    } catch (error) {
      if (!(error instanceof KimeraError) || error.kind === 'internal' || error.code === 'ACCEPTANCE') throw error;
      progress(error.message);
      await delay(POLL_MILLISECONDS);
    }
  }
}

/** SQL: the table of a space's vectors, whose layout the store alone knows otherwise. */
async function heldVectors(application: Application, { space }: TextEmbedder): Promise<string> {
  return `kimera.${await application.text(`SELECT quote_ident(vectors_table) AS text FROM kimera.collection_spaces WHERE collection = '${COLLECTION}' AND space = '${space.fingerprint}'`)}`;
}

function versionOf(application: Application): Promise<string> {
  return application.text(
    `SELECT 'PostgreSQL ' || current_setting('server_version') || ', pgvector ' || extversion AS text FROM pg_extension WHERE extname = 'vector'`,
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
