/** How the numbers of a vector are kept in a column of the application. */
export const STORAGES = ['vector', 'halfvec', 'real[]', 'double precision[]', 'jsonb', 'json', 'bytea'] as const;
export type VectorStorage = (typeof STORAGES)[number];

export interface ColumnDescription {
  readonly name: string;
  /** As `format_type` says it: `character varying(40)`. */
  readonly type: string;
  /** Of pg_type: `int8`, `_float4`; of a domain its own. */
  readonly typeName: string;
  readonly isNullable: boolean;
  readonly isGenerated: boolean;
  /** As SQL writes it: `"pg_catalog"."C"`; null: the database's own, or a type that has none. */
  readonly collation: string | null;
  /** Two different texts can be equal in a nondeterministic collation. */
  readonly hasDeterministicCollation: boolean;
  /** Average bytes of a value where the table was analysed. */
  readonly averageBytes: number | null;
}

export interface UniqueKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly isPrimary: boolean;
  /** Why rows cannot be told apart by it; null where they can. */
  readonly obstacle: 'partial' | 'of an expression' | 'deferrable' | 'not valid' | null;
}

export interface VectorColumn {
  readonly column: string;
  readonly storage: VectorStorage;
  /** As `format_type` says it: `vector(384)`. */
  readonly type: string;
  /** Numbers of every vector, where the column's type says it. */
  readonly dimension: number | null;
}

export interface IndexDescription {
  readonly name: string;
  readonly definition: string;
  readonly bytes: number;
}

/** What a relation is, by pg_class. */
export type RelationKind =
  | 'table'
  | 'partitioned table'
  | 'view'
  | 'materialised view'
  | 'foreign table'
  | 'index'
  | 'sequence'
  | 'composite type'
  | 'TOAST table';

/** A right that the present role lacks or has. */
export type Right = 'USAGE' | 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' | 'TRIGGER' | 'OWNER';

/** A table of the application as its catalog describes it. */
export interface TableDescription {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** For people: `public.documents`. */
  readonly title: string;
  readonly kind: RelationKind;
  readonly isTemporary: boolean;
  /** The table whose partition this is. */
  readonly partitionOf: string | null;
  readonly partitions: number;
  /** Tables that inherit from it without being partitions. */
  readonly children: readonly string[];
  /** What row-level security does to the present role. */
  readonly rowSecurity: 'off' | 'on, not for this role' | 'hides rows';
  /** The present role. */
  readonly role: string;
  readonly rights: readonly Right[];
  /** Counted where that is quick, else estimated by the statistics of the table. */
  readonly rows: { readonly count: number; readonly isExact: boolean };
  readonly bytes: number;
  readonly columns: readonly ColumnDescription[];
  readonly uniqueKeys: readonly UniqueKey[];
  readonly vectorColumns: readonly VectorColumn[];
  readonly indexes: readonly IndexDescription[];
  /** Triggers of the application: `name` and when. */
  readonly triggers: readonly string[];
  readonly policies: readonly string[];
  readonly publications: readonly string[];
  /** Of this database, that write its rows. */
  readonly subscriptions: readonly string[];
  /** Views and materialised views that read it. */
  readonly views: readonly string[];
  /** Functions whose text names it. */
  readonly functions: readonly string[];
  /** Tables with a foreign key to it. */
  readonly referencedBy: readonly string[];
  /** Collection that it belongs to already. */
  readonly collection: string | null;
  /** Marks of the frameworks: tables beside it that they make. */
  readonly neighbours: readonly string[];
}
