import { KimeraError, type MigrationState } from '@kimera/core';

const list = (names: readonly string[]): string => names.join(', ') || 'none';

/** No table of that name. */
export class TableNotFoundError extends KimeraError {
  readonly code = 'TABLE_NOT_FOUND';
  readonly kind = 'caller';
  constructor(
    readonly table: string,
    readonly similar: readonly string[],
  ) {
    super(
      `there is no table ${JSON.stringify(table.slice(0, 120))} here: write it as schema.table, as it is spelled (there are: ${list(similar)})`,
      { table: table.slice(0, 200), similar },
    );
  }
}

/** A view has no rows of its own: no trigger sees that they change. */
export class ViewSourceError extends KimeraError {
  readonly code = 'VIEW_SOURCE';
  readonly kind = 'refused';
  constructor(readonly view: string) {
    super(
      `${view} is a view: its rows are those of other tables, and no trigger sees them change. Adopt the table that it reads; --text takes an SQL expression over that table's columns`,
      { view },
    );
  }
}

/** A materialised view changes all at once, without triggers. */
export class MaterialisedViewSourceError extends KimeraError {
  readonly code = 'MATERIALISED_VIEW_SOURCE';
  readonly kind = 'refused';
  constructor(readonly view: string) {
    super(
      `${view} is a materialised view: REFRESH changes it without triggers. Adopt the table that it reads, or keep its rows in a table`,
      { view },
    );
  }
}

/** The rows of a foreign table lie on another server and change there unseen. */
export class ForeignTableSourceError extends KimeraError {
  readonly code = 'FOREIGN_TABLE_SOURCE';
  readonly kind = 'refused';
  constructor(readonly table: string) {
    super(
      `${table} is a foreign table: what changes on the other server fires no trigger here. Run adopt with --database of that server`,
      { table },
    );
  }
}

/** An index, a sequence, a composite type. */
export class NotATableError extends KimeraError {
  readonly code = 'NOT_A_TABLE';
  readonly kind = 'caller';
  constructor(
    readonly relation: string,
    readonly what: string,
  ) {
    super(`${relation} is no table: it is a ${what}. Name the table whose rows are to be searched`, { relation, what });
  }
}

/** It goes with the session that made it. */
export class TemporaryTableError extends KimeraError {
  readonly code = 'TEMPORARY_TABLE';
  readonly kind = 'refused';
  constructor(readonly table: string) {
    super(
      `${table} is a temporary table: only its own session sees it, and it goes with that session. Keep the rows in a table that stays`,
      { table },
    );
  }
}

/** A table of PostgreSQL itself. */
export class SystemTableError extends KimeraError {
  readonly code = 'SYSTEM_TABLE';
  readonly kind = 'refused';
  constructor(readonly table: string) {
    super(`${table} belongs to PostgreSQL itself, which allows no triggers on it: name a table of your application`, {
      table,
    });
  }
}

/** A table that this program has made. */
export class OwnTableError extends KimeraError {
  readonly code = 'OWN_TABLE';
  readonly kind = 'refused';
  constructor(readonly table: string) {
    super(`${table} is a table of this program, not of your application: name the table with your texts`, { table });
  }
}

/** One partition of a table: rows can come and go by the others. */
export class PartitionSourceError extends KimeraError {
  readonly code = 'PARTITION_SOURCE';
  readonly kind = 'refused';
  constructor(
    readonly partition: string,
    readonly parent: string,
  ) {
    super(`${partition} is a partition of ${parent}: adopt the whole table, --table ${parent}`, { partition, parent });
  }
}

/** Rows of child tables are read with it and fire no trigger of it. */
export class InheritedTableError extends KimeraError {
  readonly code = 'INHERITED_TABLE';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly children: readonly string[],
  ) {
    super(
      `${table} has tables that inherit from it (${list(children)}): their rows are read with it, but its triggers do not see them, and its unique index does not hold for them. Adopt the child tables one by one, or make it a partitioned table`,
      { table, children },
    );
  }
}

/** What logical replication writes fires no trigger of a statement. */
export class SubscribedTableError extends KimeraError {
  readonly code = 'SUBSCRIBED_TABLE';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly subscriptions: readonly string[],
  ) {
    super(
      `${table} is written by logical replication (subscriptions: ${list(subscriptions)}), which fires no triggers of statements: changes would not be seen. Adopt the table where it is published`,
      { table, subscriptions },
    );
  }
}

/** The table is that of a collection already. */
export class TableAdoptedError extends KimeraError {
  readonly code = 'TABLE_ADOPTED';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly collection: string,
  ) {
    super(
      `${table} is the table of collection ${JSON.stringify(collection)} already: use that collection, or let it go first with "kimera migrate unadopt --collection ${collection}"`,
      { table, collection },
    );
  }
}

/** Policies hide rows from the role that would watch the table. */
export class RowSecurityError extends KimeraError {
  readonly code = 'ROW_SECURITY';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly role: string,
    readonly policies: readonly string[],
  ) {
    super(
      `row-level security of ${table} holds for role ${role} (policies: ${list(policies)}): rows that it hides would be taken for deleted. Connect as the owner of the table (where it is not FORCEd), or ALTER ROLE ${role} BYPASSRLS`,
      { table, role, policies },
    );
  }
}

/** The role lacks rights on the table or its schema. */
export class TablePermissionError extends KimeraError {
  readonly code = 'TABLE_PERMISSION';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly role: string,
    readonly missing: readonly string[],
    readonly grants: string,
  ) {
    super(
      `role ${role} lacks ${missing.join(', ')} on ${table}: SELECT reads the texts, TRIGGER watches changes, UPDATE keeps a row still while its vector is written (nothing of yours is updated). As its owner: ${grants}`,
      { table, role, missing, grants },
    );
  }
}

/** A column that the table does not have. */
export class UnknownColumnError extends KimeraError {
  readonly code = 'UNKNOWN_COLUMN';
  readonly kind = 'caller';
  constructor(
    readonly table: string,
    readonly option: string,
    readonly column: string,
    readonly columns: readonly string[],
  ) {
    super(`${option}: ${table} has no column ${JSON.stringify(column.slice(0, 80))}; it has ${list(columns)}`, {
      table,
      option,
      column: column.slice(0, 200),
      columns,
    });
  }
}

/** Nothing says which columns are the id. */
export class NoKeyError extends KimeraError {
  readonly code = 'NO_KEY';
  readonly kind = 'refused';
  constructor(readonly table: string) {
    super(
      `${table} has no primary key and no other unique index that tells its rows apart: ALTER TABLE ${table} ADD PRIMARY KEY (…), then adopt it`,
      { table },
    );
  }
}

/** Two rows could have the same id. */
export class KeyNotUniqueError extends KimeraError {
  readonly code = 'KEY_NOT_UNIQUE';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly id: readonly string[],
    readonly reason: string,
    readonly keys: readonly string[],
  ) {
    super(
      `--id ${id.join(',')}: ${reason}, so two rows of ${table} could have the same id. Keys that serve: ${list(keys)}; or CREATE UNIQUE INDEX ON ${table} (${id.join(', ')})`,
      { table, id, reason, keys },
    );
  }
}

/** A row without an id cannot be told from others. */
export class NullableKeyError extends KimeraError {
  readonly code = 'NULLABLE_KEY';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly column: string,
  ) {
    super(
      `column ${column} of ${table} may be NULL, and a unique index lets many rows have NULL: ALTER TABLE ${table} ALTER COLUMN ${column} SET NOT NULL, or choose another --id`,
      { table, column },
    );
  }
}

/** A type whose values have no one text form and order. */
export class KeyTypeError extends KimeraError {
  readonly code = 'KEY_TYPE';
  readonly kind = 'refused';
  constructor(
    readonly column: string,
    readonly type: string,
    readonly allowed: readonly string[],
  ) {
    super(
      `column ${column} is of type ${type}: an id may be ${allowed.join(', ')}, or several such columns. Choose another unique column`,
      { column, type, allowed },
    );
  }
}

/** In such a collation two different texts are equal. */
export class KeyCollationError extends KimeraError {
  readonly code = 'KEY_COLLATION';
  readonly kind = 'refused';
  constructor(readonly column: string) {
    super(
      `column ${column} has a nondeterministic collation, in which different texts can be equal: an id is compared byte by byte. Choose another unique column`,
      { column },
    );
  }
}

/** Several columns could be the text, or none. */
export class TextUndecidedError extends KimeraError {
  readonly code = 'TEXT_UNDECIDED';
  readonly kind = 'caller';
  constructor(
    readonly table: string,
    readonly candidates: readonly string[],
  ) {
    super(
      candidates.length === 0
        ? `${table} has no column of a text type beside its id: give --text with an SQL expression over its columns`
        : `which text is searched? Give --text with a column of ${table} (${list(candidates)}) or an SQL expression over them, such as --text "${candidates.slice(0, 2).join(" || ' ' || ")}"`,
      { table, candidates },
    );
  }
}

/** PostgreSQL does not understand the expression. */
export class TextExpressionError extends KimeraError {
  readonly code = 'TEXT_EXPRESSION';
  readonly kind = 'caller';
  constructor(
    readonly expression: string,
    readonly reason: string,
    readonly columns: readonly string[],
  ) {
    super(
      `--text ${JSON.stringify(expression.slice(0, 120))}: ${reason}. It is a column, or one SQL expression over the columns ${list(columns)}`,
      { expression: expression.slice(0, 400), reason, columns },
    );
  }
}

/** The same row could have another text tomorrow, unseen. */
export class TextNotImmutableError extends KimeraError {
  readonly code = 'TEXT_NOT_IMMUTABLE';
  readonly kind = 'refused';
  constructor(
    readonly expression: string,
    readonly functions: readonly string[],
  ) {
    super(
      `--text ${JSON.stringify(expression.slice(0, 120))} is not immutable${functions.length > 0 ? ` (${functions.join(', ')})` : ''}: the text of a row must follow from its columns alone, or it changes without an UPDATE that a trigger could see. Use immutable functions (|| and coalesce instead of concat, no now(), no to_char of a time stamp)`,
      { expression: expression.slice(0, 400), functions },
    );
  }
}

/** A subquery, an aggregate, a window, a set: more than the row itself. */
export class TextBeyondRowError extends KimeraError {
  readonly code = 'TEXT_BEYOND_ROW';
  readonly kind = 'refused';
  constructor(
    readonly expression: string,
    readonly reason: string,
  ) {
    super(
      `--text ${JSON.stringify(expression.slice(0, 120))}: ${reason}; changes of other rows would change the text unseen. Use the row's own columns only, or keep the whole text in a column`,
      { expression: expression.slice(0, 400), reason },
    );
  }
}

/** A column that PostgreSQL computes when it is read has no value in what a trigger sees. */
export class TextVirtualColumnError extends KimeraError {
  readonly code = 'TEXT_VIRTUAL_COLUMN';
  readonly kind = 'refused';
  constructor(
    readonly expression: string,
    readonly column: string,
    readonly computed: string,
  ) {
    super(
      `--text ${JSON.stringify(expression.slice(0, 200))}: column ${JSON.stringify(column)} is a virtual generated one, which triggers cannot read. Write what it is computed of in its place: ${computed}`,
      { expression: expression.slice(0, 500), column, computed },
    );
  }
}

/** What is searched must be a text. */
export class TextTypeError extends KimeraError {
  readonly code = 'TEXT_TYPE';
  readonly kind = 'caller';
  constructor(
    readonly expression: string,
    readonly type: string,
  ) {
    super(
      `--text ${JSON.stringify(expression.slice(0, 120))} is of type ${type}, not text${type.startsWith('json') ? `: take a member out of it, --text "${expression} ->> 'text'"` : `: cast it where that is what you want, --text "(${expression})::text"`}`,
      { expression: expression.slice(0, 400), type },
    );
  }
}

/** A tenant is named by a text. */
export class TenantTypeError extends KimeraError {
  readonly code = 'TENANT_TYPE';
  readonly kind = 'refused';
  constructor(
    readonly column: string,
    readonly type: string,
    readonly allowed: readonly string[],
  ) {
    super(`--tenant ${column} is of type ${type}: a tenant may be ${allowed.join(', ')}. Choose another column`, {
      column,
      type,
      allowed,
    });
  }
}

/** Several columns hold vectors. */
export class VectorUndecidedError extends KimeraError {
  readonly code = 'VECTOR_UNDECIDED';
  readonly kind = 'caller';
  constructor(
    readonly table: string,
    readonly columns: readonly string[],
  ) {
    super(
      `${table} has several columns of vectors (${list(columns)}): say with --vector which one belongs to the text, or --vector none to leave them all alone`,
      { table, columns },
    );
  }
}

/** A type that holds no vectors that can be read. */
export class VectorTypeError extends KimeraError {
  readonly code = 'VECTOR_TYPE';
  readonly kind = 'caller';
  constructor(
    readonly column: string,
    readonly type: string,
  ) {
    super(
      `--vector ${column} is of type ${type}: vectors are read from vector, halfvec, real[], double precision[], jsonb or json (an array of numbers) and bytea (float32, little-endian). Choose another column, or --vector none to embed every row`,
      { column, type },
    );
  }
}

/** The stored vectors have another number of numbers than the model's. */
export class VectorDimensionError extends KimeraError {
  readonly code = 'VECTOR_DIMENSION';
  readonly kind = 'refused';
  constructor(
    readonly column: string,
    readonly dimensions: readonly number[],
    readonly modelId: string,
    readonly expected: number,
  ) {
    super(
      `vectors in ${column} have ${dimensions.join(' and ')} numbers, those of ${modelId} have ${expected}: name the model that they were made with (--model), or --vector none to embed every row with ${modelId}`,
      { column, dimensions, modelId, expected },
    );
  }
}

/** Who writes the vectors is not for this program to guess. */
export class VectorWriterMissingError extends KimeraError {
  readonly code = 'VECTOR_WRITER_MISSING';
  readonly kind = 'caller';
  constructor(readonly column: string) {
    super(
      `who writes column ${column} from now on? --vector-writer application: your application goes on writing it; its values are never changed, and an in-place cutover is refused while it does. --vector-writer keeper: your application stops writing it, and the keeper ("kimera migrate work --forever") embeds every new or changed text; an in-place cutover can then exchange it`,
      { column },
    );
  }
}

/** There is no column that somebody could write. */
export class VectorWriterWithoutColumnError extends KimeraError {
  readonly code = 'VECTOR_WRITER_WITHOUT_COLUMN';
  readonly kind = 'caller';
  constructor(readonly table: string) {
    super(
      `--vector-writer says who writes the vectors of your own column, and none of ${table} was named: leave it out, or name the column with --vector`,
      { table },
    );
  }
}

/** A column that the keeper cannot write. */
export class KeeperColumnError extends KimeraError {
  readonly code = 'KEEPER_COLUMN';
  readonly kind = 'refused';
  constructor(
    readonly column: string,
    readonly reason: string,
  ) {
    super(
      `the keeper cannot write column ${column}: ${reason}. It writes columns of the types vector, halfvec and real[]; --vector-writer application leaves the column to your application`,
      { column, reason },
    );
  }
}

/** Nobody writes a column that there is not. */
export class NoVectorColumnError extends KimeraError {
  readonly code = 'NO_VECTOR_COLUMN';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly table: string,
  ) {
    super(
      `collection ${JSON.stringify(collection)} has no vector column in ${table}: its vectors are in tables of this program alone. A table of your own is adopted with --vector COLUMN`,
      { collection, table },
    );
  }
}

/** In these states both sides of the column are needed as they are. */
export class VectorWriterUnderMigrationError extends KimeraError {
  readonly code = 'VECTOR_WRITER_UNDER_MIGRATION';
  readonly kind = 'refused';
  constructor(
    readonly collection: string,
    readonly migration: string,
    readonly state: MigrationState,
    readonly isInPlace: boolean,
  ) {
    super(
      `migration ${migration} of collection ${JSON.stringify(collection)} is ${state}${isInPlace ? ' and in place, where the keeper writes the column and the one beside it' : ', and the column has the vectors of the space before'}: with another writer now, vectors that a rollback needs would be lost. Retire the migration first`,
      { collection, migration, state, isInPlace },
    );
  }
}

/** The keeper would overwrite what the application has written. */
export class VectorWriterDisagreesError extends KimeraError {
  readonly code = 'VECTOR_WRITER_DISAGREES';
  readonly kind = 'refused';
  constructor(
    readonly column: string,
    readonly modelId: string,
    readonly sampled: number,
    readonly ids: readonly string[],
  ) {
    super(
      `${ids.length} of ${sampled} sampled values in ${column} are not what ${modelId} makes of the text of their row (rows ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''}): the keeper would overwrite them. Let your application write them first, or accept it with --overwrite`,
      { column, modelId, sampled, ids: ids.slice(0, 20) },
    );
  }
}

/** `unadopt` of a collection that this program made. */
export class NotAdoptedError extends KimeraError {
  readonly code = 'NOT_ADOPTED';
  readonly kind = 'caller';
  constructor(readonly collection: string) {
    super(
      `the table of collection ${JSON.stringify(collection)} was made by this program, not adopted: "kimera migrate drop --collection ${collection}" removes it with its rows`,
      { collection },
    );
  }
}

/** `drop` of a collection whose table is the application's. */
export class AdoptedCollectionError extends KimeraError {
  readonly code = 'ADOPTED_COLLECTION';
  readonly kind = 'caller';
  constructor(
    readonly collection: string,
    readonly table: string,
  ) {
    super(
      `collection ${JSON.stringify(collection)} is your own table ${table}, which is never dropped from here: "kimera migrate unadopt --collection ${collection}" takes away what this program added`,
      { collection, table },
    );
  }
}

/** Something of the application hangs on the table of a collection that is to be dropped. */
export class TableInUseError extends KimeraError {
  readonly code = 'TABLE_IN_USE';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly detail: string,
  ) {
    super(`${table} cannot be dropped, nothing was: ${detail}. Drop these objects first, then the collection`, {
      table,
      detail,
    });
  }
}

/** An adoption was stopped before all vectors were copied, and is now asked for with other options. */
export class AdoptionUnfinishedError extends KimeraError {
  readonly code = 'ADOPTION_UNFINISHED';
  readonly kind = 'refused';
  constructor(
    readonly collection: string,
    readonly differing: readonly string[],
  ) {
    super(
      `the adoption of collection ${JSON.stringify(collection)} was stopped in the middle, and was begun with another ${differing.join(' and ')}: run it with the same options to go on, or "kimera migrate unadopt --collection ${collection}" and adopt again`,
      { collection, differing },
    );
  }
}
