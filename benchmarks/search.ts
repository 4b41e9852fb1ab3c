/**
 * What does a search of a collection cost beside pgvector's own SQL? 50,000 rows of 384 numbers on a PostgreSQL server,
 * with an HNSW index: the bare nearest ids by SQL, and the store's search (active space, live rows, stale marks), in
 * turns on one connection each. Prints medians, their ratio, and the share of the exact ten that each finds.
 *
 * The database is an empty one of a test server: npm run bench:search -- postgres://…
 */
import { shortFingerprint, type EmbeddedRow, type SearchOptions } from '@kimera/core';
import { openStore } from '@kimera/store-postgres';
import { fakeSpace } from '@kimera/testing';
import pg from 'pg';
import { machineLines, percentile, table } from './machine.js';

const ROWS = 50_000;
const DIMENSION = 384;
const CLUSTERS = 500;
const QUERIES = 500;
const LIMIT = 10;
const COLLECTION = 'bench_search';
/** Of the project's own: a search takes at most three times as long as the bare SQL. */
const MOST = 3;

const [database = ''] = process.argv.slice(2);
if (!/^postgres(ql)?:\/\//.test(database)) throw new Error('give the address of an empty database: postgres://…');

/** Numbers from a fixed seed: mulberry32. */
let state = 20_261_130;
function uniform(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const centres = Array.from({ length: CLUSTERS }, () => Float32Array.from({ length: DIMENSION }, normal));
/** Near one of the centres, of length 1. */
function vector(): Float32Array {
  const centre = centres[Math.floor(uniform() * CLUSTERS)] ?? new Float32Array(DIMENSION);
  const raw = centre.map((value) => value + 0.7 * normal());
  const length = Math.hypot(...raw);
  return raw.map((value) => value / length);
}

const space = fakeSpace('bench-search', { dimension: DIMENSION });
const store = await openStore({ database });
const raw = new pg.Pool({ connectionString: database, max: 1 });
try {
  await store.collections.createCollection(COLLECTION, space);
  for (let from = 0; from < ROWS; from += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, i): EmbeddedRow => ({
      id: `row ${from + i}`,
      text: `text of row ${from + i}, of which a search shows the beginning`,
      embedding: { dense: vector(), space: space.fingerprint, variant: 'fp32', tokenizerRevision: 1, truncated: false },
    }));
    await store.collections.upsertRows(COLLECTION, rows);
  }
  const vectors = `kimera."${COLLECTION}_vectors_${shortFingerprint(space.fingerprint)}"`;
  await raw.query(
    `SET maintenance_work_mem = '512MB'; CREATE INDEX ON ${vectors} USING hnsw (embedding vector_cosine_ops); ANALYZE ${vectors}; ANALYZE public.${COLLECTION}`,
  );
  const {
    rows: [version],
  } = await raw.query<{ server: string; pgvector: string }>(
    "SELECT current_setting('server_version') AS server, (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector",
  );

  const bare = async (dense: Float32Array): Promise<readonly string[]> =>
    (
      await raw.query<{ id: string }>({
        text: `SELECT id FROM ${vectors} ORDER BY embedding <=> $1::vector LIMIT ${LIMIT}`,
        values: [`[${dense.join(',')}]`],
      })
    ).rows.map(({ id }) => id);
  const ours =
    (options: Omit<SearchOptions, 'limit'>) =>
    async (dense: Float32Array): Promise<readonly string[]> =>
      (
        await store.search.search(COLLECTION, { space: space.fingerprint, dense }, { limit: LIMIT, ...options })
      ).hits.map(({ id }) => id);
  const ways = [
    ['pgvector: SELECT id … ORDER BY embedding <=> … LIMIT 10', bare],
    ['search of the collection', ours({})],
    ['with text', ours({ text: 'with' })],
    ['exact', ours({ scan: 'exact' })],
  ] as const;
  const times = ways.map((): number[] => []);
  const shared = ways.map((): number[] => []);
  const warmUp = QUERIES / 5;
  for (let i = 0; i < QUERIES + warmUp; i++) {
    const dense = vector();
    const found: (readonly string[])[] = [];
    for (const [way, [name, search]] of ways.entries()) {
      // One in twenty is enough of what takes forty times as long.
      if (name === 'exact' && i % 20 > 0) continue;
      const started = performance.now();
      found[way] = await search(dense);
      if (i >= warmUp) times[way]?.push(performance.now() - started);
    }
    const best = found[ways.length - 1];
    if (best === undefined) continue;
    found.forEach((ids, way) => shared[way]?.push(ids.filter((id) => best.includes(id)).length / LIMIT));
  }
  const median = (way: number): number => percentile(times[way] ?? [], 0.5);
  const rows = ways.map(([name], way) => [
    name,
    median(way).toFixed(2),
    percentile(times[way] ?? [], 0.95).toFixed(2),
    (median(way) / median(0)).toFixed(2),
    ((shared[way] ?? []).reduce((sum, share) => sum + share, 0) / (shared[way]?.length ?? 1)).toFixed(3),
  ]);
  console.log(`# Search: a collection beside pgvector's own SQL\n\n${machineLines().join('\n')}`);
  console.log(
    `- database: PostgreSQL ${version?.server ?? ''}, pgvector ${version?.pgvector ?? ''}, HNSW (m 16, ef_construction 64), on the same machine`,
  );
  console.log(
    `- ${ROWS.toLocaleString('en')} rows of ${DIMENSION} numbers in ${CLUSTERS} clusters, ${QUERIES} queries, the ${LIMIT} nearest\n`,
  );
  console.log(table(['search', 'median, ms', 'p95, ms', '÷ pgvector', 'of the exact ten'], rows));
  const ratio = median(1) / median(0);
  console.log(`\n${ratio <= MOST ? 'Holds' : 'MISSED'}: at most ${MOST} × pgvector, ${ratio.toFixed(2)} × measured.`);
  process.exitCode = ratio <= MOST ? 0 : 1;
} finally {
  await raw.end();
  await store.close();
}
