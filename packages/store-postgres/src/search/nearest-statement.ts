import type { QueryVector } from '@kimera/core';
import { rowsOf, type HeldSpace, type Source } from '../source.js';
import { quoted } from '../sql/identifier.js';
import type { Pgvector } from '../sql/pgvector.js';
import type { SqlValue } from '../sql/queryable.js';
import { encodeVector } from '../vector-codec.js';
import { scanSettings, type VectorIndex } from './vector-index.js';

export interface Nearest {
  readonly source: Source;
  readonly held: HeldSpace;
  readonly query: QueryVector;
  readonly tenant?: string | undefined;
  /** In the query's space in any case, or only where that is the active one. */
  readonly when: 'only where active' | 'in any case';
  /**
   * `candidates`: the nearest vectors, with those whose row is gone among them. `found rows`: the nearest of the rows
   * that may be shown, after a look at each.
   */
  readonly among: 'candidates' | 'found rows';
  /** How many. */
  readonly limit: number;
  /** Of candidates. */
  readonly index?: VectorIndex | undefined;
  readonly rows: 'all' | 'fresh';
  readonly text: 'with' | 'without';
  readonly columns: readonly string[];
}

export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/**
 * One statement, so that pointer, vectors and rows are of one state. It gives a row without an id where nothing is
 * found, or the query's space is not the active one. By an index the nearest are chosen by their distance alone, which
 * is the only order that it has; the order of the id follows among them.
 */
export function nearestStatement(pgvector: Pgvector, nearest: Nearest): Statement {
  const { source, held, query, tenant, when, among, limit, index, rows, text, columns } = nearest;
  const { key } = source;
  const values: SqlValue[] = [source.name, encodeVector(query.dense), limit];
  const tenantValue = tenant === undefined ? undefined : `$${values.push(tenant)}::text`;
  const byIndex = among === 'candidates' && index !== undefined;
  const column = byIndex && index.on !== 'our table' ? index.on : undefined;
  const queryVector = `$2::${pgvector.name('vector')}`;
  const distance = `v.embedding ${pgvector.operator('<=>')} ${queryVector}`;
  // No index has the sum as its order: without it the planner may take an index for the first of several keys.
  const order =
    byIndex && column === undefined
      ? `v.embedding ${pgvector.operator(index.operator)} ${queryVector}`
      : `(${distance}) + 0, ${key.of('v')}`;
  const isFresh = `v.content_hash = ${source.hash}`;
  const conditions = [
    ...(when === 'in any case' ? [] : [`p.space = $${values.push(query.space)}::text`]),
    ...(tenantValue === undefined ? [] : [`d.tenant = ${tenantValue}`]),
    ...(among === 'found rows' && rows === 'fresh' ? [isFresh] : []),
  ];
  const needsRows = among === 'found rows' || tenantValue !== undefined;
  // An index on the source table says which rows come into question; how far they are, our vectors say.
  const inColumn =
    column === undefined || index === undefined
      ? ''
      : `JOIN (
          SELECT ${key.selected} FROM ${source.table}
          ${tenantValue === undefined ? '' : `WHERE ${source.tenantColumn ?? ''}::text = ${tenantValue}`}
          ORDER BY ${column.column} ${pgvector.operator(index.operator)} ${queryVector}::${pgvector.name(column.type)} LIMIT $3
        ) c ON ${key.equal('c', 'v')}`;
  const chosen = [
    'p.space AS active',
    `${key.text('v')} AS id`,
    // A vector without a direction has no distance.
    `nullif(v.distance, 'NaN') AS distance`,
    'd.text IS NOT NULL AS live',
    `NOT coalesce(${isFresh}, false) AS stale`,
    ...(text === 'with' ? ['d.text'] : []),
    ...(columns.length === 0 ? [] : ['d.more']),
  ];
  const more =
    columns.length === 0 ? '' : `, ARRAY[${columns.map((name) => `${quoted(name)}::text`).join(', ')}] AS more`;
  const settings = byIndex ? scanSettings(index, limit) : [];
  return {
    values,
    text: `
      SELECT ${chosen.join(', ')}
      FROM (
        SELECT ${['space', ...settings].join(', ')} FROM kimera.pointers
        WHERE collection = $1 AND tenant IN (''${tenantValue === undefined ? '' : `, ${tenantValue}`})
        ORDER BY tenant <> '' DESC LIMIT 1
      ) p
      LEFT JOIN LATERAL (
        SELECT ${key.of('v')}, v.content_hash, ${distance} AS distance
        FROM ${held.vectors} v ${inColumn} ${needsRows ? `JOIN ${source.rows} d ON ${key.equal('d', 'v')}` : ''}
        ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
        ORDER BY ${order} LIMIT $3
      ) v ON true
      LEFT JOIN ${rowsOf(source, source.table, more)} d ON ${key.equal('d', 'v')}
      ORDER BY v.distance, ${key.of('v')}`,
  };
}
