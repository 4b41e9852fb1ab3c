import {
  UnknownCollectionError,
  VARIANTS,
  type AdoptionProgress,
  type CopyStamp,
  type NewVector,
  type OldVector,
  type TextsCut,
} from '@kimera/core';
import { z } from 'zod';
import { writeFreshVectors } from '../put-vectors.js';
import { collectionNames, readSource, readSpace, rowsOf } from '../source.js';
import type { Database } from '../sql/database.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { readOldVector } from './old-vector-codec.js';
import { asOldVector, oldRow } from './sample-vectors.js';
import { STORAGES } from './table-description.js';

const count = z.coerce.number();
const adoptionRow = z.object({
  storage: z.enum(STORAGES).nullable(),
  variant: z.enum(VARIANTS).nullable(),
  tokenizer_revision: z.int().nullable(),
  vector_column: z.string().nullable(),
  space: z.string(),
  after: z.string().nullable(),
  rows: count,
  copied: count,
  truncated: count,
  queued: count,
  unreadable: count,
  finished: z.boolean(),
});
type AdoptionRow = z.infer<typeof adoptionRow>;

const COLUMNS =
  'storage, variant, tokenizer_revision, c.vector_column, a.space, after, rows, copied, truncated, queued, unreadable, finished IS NOT NULL AS finished';
const READ = `SELECT ${COLUMNS}
  FROM kimera.adoptions a JOIN kimera.collections c ON c.name = a.collection WHERE a.collection = $1`;

/** @throws UnknownCollectionError where there is none, or its table was made by us. */
export async function readProgress(sql: Queryable, collection: string): Promise<AdoptionProgress> {
  return progressOf(await readAdoption(sql, collection, READ));
}

/** The next `limit` rows in the order of the key. One process at a time: others wait, and take the rows after. */
export async function copyVectors(
  database: Database,
  collection: string,
  limit: number,
  areCut: TextsCut,
): Promise<AdoptionProgress> {
  return database.transaction(async (sql) => {
    const adoption = await readAdoption(sql, collection, `${READ} FOR UPDATE OF a`);
    if (adoption.finished) return progressOf(adoption);
    const source = await readSource(sql, collection);
    const held = await readSpace(sql, collection, adoption.space, 'held');
    const { key, table } = source;
    const { storage, variant, tokenizer_revision: tokenizerRevision, vector_column: column, after } = adoption;
    const value = storage === null || column === null ? null : { storage, column: quoted(column) };
    const rows = await sql.rows(
      oldRow.extend({ covered: z.boolean() }),
      `SELECT ${key.text('d')} AS id, d.text, encode(${source.hash}, 'hex') AS hash, ${value === null ? 'NULL' : readOldVector(value.storage, 'd.value', sql.pgvector)} AS value,
              EXISTS (SELECT FROM ${held.vectors} v WHERE ${key.equal('v', 'd')}) OR EXISTS (SELECT FROM ${held.pending} p WHERE ${key.equal('p', 'd')}) AS covered
       FROM ${rowsOf(source, table, value === null ? '' : `, ${value.column} AS value`)} d
       ${after === null ? '' : `WHERE ${key.beyond('d', '>', 1)}`} ORDER BY ${key.of('d')} LIMIT ${limit}`,
      after === null ? [] : key.values(after),
    );
    // A row that waits already has another text than at the adoption, or has its vector.
    const uncovered = rows.filter(({ covered }) => !covered);
    const old = uncovered.map((row) =>
      value === null
        ? { id: row.id, text: row.text, contentHash: row.hash, dense: null, problem: 'NULL' }
        : asOldVector(row, value.storage, held.space.dimension),
    );
    const vectors =
      variant === null || tokenizerRevision === null
        ? []
        : await newVectors(old, { variant, tokenizerRevision }, areCut);
    // They are in the column already: there is nothing to write there.
    const fresh = await writeFreshVectors(sql, source, { ...held, mirror: null }, vectors);
    const waiting = old.filter(({ dense }) => dense === null);
    await sql.run(
      `INSERT INTO ${held.pending} (${key.list}) SELECT ${key.list} FROM ${key.table('waiting', 1)}`,
      key.arrays(waiting.map(({ id }) => id)),
    );
    return progressOf(
      await readAdoption(
        sql,
        collection,
        `UPDATE kimera.adoptions a SET after = coalesce($2, after), copied = copied + $3, truncated = a.truncated + $4, queued = queued + $5, unreadable = unreadable + $6, finished = CASE WHEN $7::boolean THEN now() END
         FROM kimera.collections c WHERE c.name = a.collection AND a.collection = $1
         RETURNING ${COLUMNS}`,
        [
          rows.at(-1)?.id ?? null,
          fresh.written,
          fresh.truncated,
          waiting.length,
          waiting.filter(({ problem }) => problem !== 'NULL').length,
          rows.length < limit,
        ],
      ),
    );
  });
}

/** Of the rows that have an old vector. */
async function newVectors(
  rows: readonly OldVector[],
  stamp: CopyStamp,
  areCut: TextsCut,
): Promise<readonly NewVector[]> {
  const copied = rows.flatMap(({ dense, ...row }) => (dense === null ? [] : [{ ...row, dense }]));
  const cut = copied.length === 0 ? [] : await areCut(copied.map(({ text }) => text));
  return copied.map(({ id, contentHash, dense }, i) => ({
    id,
    contentHash,
    dense,
    ...stamp,
    truncated: cut[i] ?? false,
  }));
}

async function readAdoption(
  sql: Queryable,
  collection: string,
  statement: string,
  values: readonly (string | number | boolean | null)[] = [],
): Promise<AdoptionRow> {
  const row = await sql.row(adoptionRow, statement, [collection, ...values]);
  if (row === undefined) throw new UnknownCollectionError(collection, await collectionNames(sql));
  return row;
}

function progressOf({ rows, copied, truncated, queued, unreadable, finished }: AdoptionRow): AdoptionProgress {
  return { rows, copied, truncated, queued, unreadable, finished };
}
