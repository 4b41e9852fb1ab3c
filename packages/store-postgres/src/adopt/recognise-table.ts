import { isKeyType, TEXT_TYPES } from './column-types.js';
import type { ColumnDescription, TableDescription } from './table-description.js';

/** Whose table it looks like. */
export type TableShape = 'LangChain' | 'LlamaIndex' | 'Supabase' | 'Django' | 'Prisma' | 'no framework';

/** What `adopt` takes where it is not told otherwise. */
export interface AdoptionProposal {
  readonly shape: TableShape;
  /** Empty where no unique index serves. */
  readonly id: readonly string[];
  /** Null where no column stands out; {@link textCandidates} are the choice. */
  readonly text: string | null;
  readonly textCandidates: readonly string[];
  readonly tenant: string | null;
  readonly vector: string | null;
}

interface KnownShape {
  readonly shape: Exclude<TableShape, 'no framework'>;
  readonly matches: (table: TableDescription, has: (...columns: readonly string[]) => boolean) => boolean;
  readonly text?: string;
  readonly tenant?: string;
  readonly vector?: string;
}

/** The first that matches. Where a shape names no column, names and widths decide as for any table. */
const SHAPES: readonly KnownShape[] = [
  {
    // langchain_postgres/vectorstores.py, langchain_community/vectorstores/pgvector.py: id varchar, before 0.0.7 uuid.
    shape: 'LangChain',
    matches: (_, has) => has('collection_id', 'document', 'embedding', 'cmetadata'),
    text: 'document',
    tenant: 'collection_id',
    vector: 'embedding',
  },
  {
    // llama_index/vector_stores/postgres/base.py: data_{name}.
    shape: 'LlamaIndex',
    matches: ({ name }, has) => name.startsWith('data_') && has('id', 'text', 'node_id', 'embedding'),
    text: 'text',
    vector: 'embedding',
  },
  {
    // The table of Supabase's guide to vector columns and of its LangChain store.
    shape: 'Supabase',
    matches: (_, has) => has('id', 'content', 'metadata', 'embedding'),
    text: 'content',
    vector: 'embedding',
  },
  { shape: 'Prisma', matches: ({ neighbours }) => neighbours.includes('_prisma_migrations') },
  {
    // app_model with the key `id` that Django makes.
    shape: 'Django',
    matches: ({ neighbours, name }, has) =>
      neighbours.includes('django_migrations') && /^[a-z]\w*_\w+$/.test(name) && has('id'),
  },
];

/** Names of columns that hold the text of a row, the likeliest first. */
const TEXT_NAMES = [
  'content',
  'text',
  'document',
  'body',
  'page_content',
  'chunk',
  'description',
  'summary',
  'message',
  'title',
];
/** A column this many times as wide as each other one stands out. */
const STANDS_OUT = 4;

export function recogniseTable(table: TableDescription): AdoptionProposal {
  const has = (...columns: readonly string[]): boolean =>
    columns.every((column) => table.columns.some(({ name }) => name === column));
  const known = SHAPES.find(({ matches }) => matches(table, has));
  const id = proposedKey(table);
  const candidates = table.columns.filter(
    ({ name, typeName }) => TEXT_TYPES.includes(typeName) && !id.includes(name) && name !== known?.tenant,
  );
  return {
    shape: known?.shape ?? 'no framework',
    id,
    text: known?.text ?? likeliestText(candidates),
    textCandidates: candidates.map(({ name }) => name),
    tenant: known?.tenant ?? null,
    vector: known?.vector ?? onlyVector(table),
  };
}

/** The primary key, else the first unique index that serves. */
function proposedKey({ uniqueKeys, columns }: TableDescription): readonly string[] {
  const serves = uniqueKeys.find(
    ({ obstacle, columns: key }) =>
      obstacle === null &&
      key.every((name) => columns.some((column) => column.name === name && !column.isNullable && isKeyType(column))),
  );
  return serves?.columns ?? [];
}

function likeliestText(candidates: readonly ColumnDescription[]): string | null {
  if (candidates.length === 1) return candidates[0]?.name ?? null;
  const named = TEXT_NAMES.find((text) => candidates.some(({ name }) => name.toLowerCase() === text));
  if (named !== undefined) return candidates.find(({ name }) => name.toLowerCase() === named)?.name ?? null;
  const [widest, next] = [...candidates].sort((a, b) => (b.averageBytes ?? 0) - (a.averageBytes ?? 0));
  return (widest?.averageBytes ?? 0) > STANDS_OUT * Math.max(1, next?.averageBytes ?? 0)
    ? (widest?.name ?? null)
    : null;
}

function onlyVector({ vectorColumns }: TableDescription): string | null {
  return vectorColumns.length === 1 ? (vectorColumns[0]?.column ?? null) : null;
}
