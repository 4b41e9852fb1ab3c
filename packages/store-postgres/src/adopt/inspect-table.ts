import { KimeraError, type AdoptionProgress, type MigrationState, type VectorColumnWriter } from '@kimera/core';
import { z } from 'zod';
import { stateSchema } from '../migration-rows.js';
import type { Database } from '../sql/database.js';
import { checkKey, checkRelation, checkRights } from './check-adoption.js';
import { checkText } from './check-text.js';
import { readProgress } from './copy-vectors.js';
import { describeTable } from './describe-table.js';
import { TableAdoptedError } from './errors.js';
import { findTable } from './find-table.js';
import { observedVectorWrites, type ObservedWrites } from './observed-writes.js';
import { recogniseTable, type AdoptionProposal } from './recognise-table.js';
import type { TableDescription } from './table-description.js';

/** A table that is a collection already. */
export interface AdoptedTable {
  readonly collection: string;
  readonly origin: 'adopted' | 'created';
  readonly vector: { readonly column: string; readonly writer: VectorColumnWriter } | null;
  /** Of the newest migration. */
  readonly migration: MigrationState | null;
  /** Null where the table was made by us. */
  readonly progress: AdoptionProgress | null;
  readonly observed: ObservedWrites;
}

export interface TableInspection {
  readonly table: TableDescription;
  readonly proposal: AdoptionProposal;
  /** Why the table cannot be adopted, whatever the options are. */
  readonly obstacle: KimeraError | null;
  readonly adopted: AdoptedTable | null;
}

/** What a table is, what `adopt` would make of it, and what stands against it; nothing is changed. @throws TableNotFoundError. */
export async function inspectTable(database: Database, given: string): Promise<TableInspection> {
  const table = await describeTable(database, await findTable(database, given));
  const proposal = recogniseTable(table);
  return {
    table,
    proposal,
    obstacle: await obstacle(database, table, proposal),
    adopted: table.collection === null ? null : await readAdopted(database, table.collection),
  };
}

async function obstacle(
  database: Database,
  table: TableDescription,
  { id, text }: AdoptionProposal,
): Promise<KimeraError | null> {
  try {
    checkRelation(table);
    checkRights(table);
    checkKey(table, id);
    if (text !== null) await checkText(database, table, text);
    return null;
  } catch (error) {
    if (error instanceof TableAdoptedError) return null;
    if (error instanceof KimeraError) return error;
    throw error;
  }
}

const adoptedRow = z.object({
  adopted: z.boolean(),
  column: z.string().nullable(),
  writer: z.enum(['keeper', 'application']).nullable(),
  migration: stateSchema.nullable(),
});

/** @throws UnknownCollectionError. */
export async function readAdopted(database: Database, collection: string): Promise<AdoptedTable> {
  const row = await database.row(
    adoptedRow,
    `SELECT adopted, vector_column AS column, vector_writer AS writer, (SELECT m.state FROM kimera.migrations m WHERE m.collection = c.name ORDER BY m.sequence DESC LIMIT 1) AS migration
     FROM kimera.collections c WHERE c.name = $1`,
    [collection],
  );
  const { adopted = false, column = null, writer = null, migration = null } = row ?? {};
  return {
    collection,
    origin: adopted ? 'adopted' : 'created',
    vector: column === null || writer === null ? null : { column, writer },
    migration,
    progress: adopted ? await readProgress(database, collection) : null,
    observed: await observedVectorWrites(database, collection),
  };
}
