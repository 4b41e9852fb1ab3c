import type { Dependent, InPlacePlan } from '@kimera/core';
import { z } from 'zod';
import { isOlder, LEAST_PGVECTOR_FOR_INDEXES } from '../schema/pgvector.js';
import { quoted } from '../sql/identifier.js';
import type { Pgvector } from '../sql/pgvector.js';
import type { Queryable } from '../sql/queryable.js';
import { InPlaceNotAcceptedError, InPlaceRefusedError } from '../errors.js';
import { readNotes, readToAccept } from './bystanders.js';
import { inCatalogPath } from './catalog-path.js';
import { readTableObjections, readTies } from './dependents.js';
import { judgeIndexes, readIndexes } from './indexes.js';
import { readVectorColumn, typeTitle, type VectorColumn } from './vector-column.js';
import { readViews } from './views.js';

/** What a swap of the column for one of `newDimension` numbers does. To be called in a transaction. */
export function inspectColumn(sql: Queryable, column: VectorColumn, newDimension: number): Promise<InPlacePlan> {
  return inCatalogPath(sql, async () => {
    const indexes = await readIndexes(sql, column);
    const judged = judgeIndexes(indexes, column, newDimension);
    const { views, refused } = await readViews(sql, column);
    const { notes, toAccept } = await readNotes(sql, column);
    return {
      table: column.title,
      column: column.column,
      type: typeTitle(column),
      newType: typeTitle(column, newDimension),
      moved: [
        ...judged.moved,
        ...views
          .map(({ schema, name }) => `${schema}.${name}`)
          .filter((name) => refused.every((each) => each.name !== name))
          .map((name) => ({ kind: 'view', name, detail: 'is made again in the same transaction, with its rights' })),
      ],
      refused: [
        ...(await readTableObjections(sql, column)),
        ...judged.refused,
        ...refused,
        ...(await readTies(sql, column)),
        ...(await readDefaultObjection(sql, column, newDimension)),
      ],
      toAccept: [...(await readToAccept(sql, column)), ...toAccept],
      notes: [
        ...notes,
        ...hnswNote(
          sql.pgvector,
          indexes.some(({ method }) => method === 'hnsw'),
        ),
      ],
    };
  });
}

/** @throws InPlaceRefusedError, InPlaceNotAcceptedError. */
export function checkPlan(plan: InPlacePlan, accepted: readonly string[]): void {
  if (plan.refused.length > 0) throw new InPlaceRefusedError(plan.table, plan.column, plan.refused);
  const open = plan.toAccept.filter((each) => !accepted.includes(acceptedName(each)));
  if (open.length > 0) throw new InPlaceNotAcceptedError(plan.table, open);
}

export function acceptedName({ kind, name }: Dependent): string {
  return `${kind}:${name}`;
}

/** A default of the old dimension cannot be carried to the new one. */
async function readDefaultObjection(
  sql: Queryable,
  name: VectorColumn,
  newDimension: number,
): Promise<readonly Dependent[]> {
  // Read again, under this search path.
  const { defaultValue, type, extension, dimension, column } = (await readVectorColumn(sql, name)) ?? name;
  if (defaultValue === null || dimension === null || dimension === newDimension) return [];
  const found = await sql.row(
    z.object({ empty: z.boolean() }),
    `SELECT (${defaultValue})::${quoted(extension, type)} IS NULL AS empty`,
  );
  if (found?.empty === true) return [];
  return [
    {
      kind: 'default',
      name: column,
      detail: `is a vector of ${dimension} numbers, the new model gives ${newDimension}: drop it`,
    },
  ];
}

function hnswNote({ version }: Pgvector, applies: boolean): readonly string[] {
  return applies && isOlder(version, LEAST_PGVECTOR_FOR_INDEXES)
    ? [
        `pgvector ${version} builds the HNSW index; ${LEAST_PGVECTOR_FOR_INDEXES} and later mend faults of such builds: update it first`,
      ]
    : [];
}
