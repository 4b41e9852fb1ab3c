/**
 * What brings the schema `kimera` from one version to the next; the first makes it. Never changed once released: a
 * change is a new entry.
 */
export const SCHEMA_VERSIONS: readonly string[] = [
  `
  CREATE TABLE kimera.spaces (
    fingerprint text PRIMARY KEY,
    model_id text NOT NULL,
    -- The whole EmbeddingSpace.
    space jsonb NOT NULL
  );

  CREATE TABLE kimera.collections (
    name text COLLATE "C" PRIMARY KEY,
    source_schema text NOT NULL,
    source_table text NOT NULL,
    id_column text NOT NULL,
    text_column text NOT NULL,
    tenant_column text,
    created timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source_schema, source_table)
  );

  CREATE TABLE kimera.collection_spaces (
    collection text COLLATE "C" NOT NULL REFERENCES kimera.collections,
    space text NOT NULL REFERENCES kimera.spaces,
    vectors_table text NOT NULL UNIQUE,
    pending_table text NOT NULL UNIQUE,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (collection, space)
  );

  -- The active space of a collection; tenant '' is the whole of it. The foreign key keeps an active space from being closed.
  CREATE TABLE kimera.pointers (
    collection text COLLATE "C" NOT NULL,
    tenant text NOT NULL DEFAULT '',
    space text NOT NULL,
    PRIMARY KEY (collection, tenant),
    FOREIGN KEY (collection, space) REFERENCES kimera.collection_spaces
  );

  CREATE TABLE kimera.migrations (
    id text PRIMARY KEY,
    sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    collection text COLLATE "C" NOT NULL REFERENCES kimera.collections,
    source jsonb NOT NULL,
    target jsonb NOT NULL,
    state text NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE UNIQUE INDEX one_migration_under_way ON kimera.migrations (collection) WHERE state <> 'retired';

  CREATE TABLE kimera.migration_events (
    migration text NOT NULL REFERENCES kimera.migrations,
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    event text NOT NULL,
    state text NOT NULL,
    figures jsonb NOT NULL
  );
  CREATE INDEX events_of_migration ON kimera.migration_events (migration, sequence);

  CREATE TABLE kimera.poison (
    migration text NOT NULL REFERENCES kimera.migrations,
    space text NOT NULL,
    id text COLLATE "C" NOT NULL,
    content_hash bytea NOT NULL,
    reason text NOT NULL,
    excused boolean NOT NULL DEFAULT false,
    PRIMARY KEY (migration, space, id)
  );
  `,
  // In the order in which the capture's trigger locks these tables: otherwise this and a writer can deadlock.
  `
  DO $change$
  DECLARE held record;
  BEGIN
    FOR held IN SELECT vectors_table FROM kimera.collection_spaces ORDER BY collection, sequence LOOP
      EXECUTE format('ALTER TABLE IF EXISTS kimera.%I ADD COLUMN tokenizer_revision smallint NOT NULL DEFAULT 1', held.vectors_table);
    END LOOP;
  END $change$;
  `,
  /*
   * The queue of backfill jobs; those of a migration under way are taken over from pg-boss, which kept them before. A job
   * that was under way there is done again, which changes nothing.
   */
  `
  CREATE TABLE kimera.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    migration text NOT NULL REFERENCES kimera.migrations,
    place integer NOT NULL,
    after text COLLATE "C",
    up_to text COLLATE "C",
    state text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    taken timestamptz,
    lease_ends timestamptz,
    finished timestamptz,
    -- Embedded in this job.
    rows integer,
    -- Why it was given back last.
    reason text
  ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
  -- No other index has the place: a plan that goes through finished jobs to the next waiting one is not possible.
  CREATE INDEX waiting_jobs ON kimera.jobs (migration, place) WHERE state = 'waiting';
  CREATE INDEX active_jobs ON kimera.jobs (migration, lease_ends) WHERE state = 'active';

  DO $change$
  BEGIN
    IF to_regclass('kimera_jobs.job') IS NOT NULL THEN
      EXECUTE $move$
        INSERT INTO kimera.jobs (migration, place, after, up_to, state)
        SELECT m.id, row_number() OVER (PARTITION BY m.id ORDER BY j.created_on, j.id), j.data ->> 'after', j.data ->> 'upTo',
               CASE j.state::text WHEN 'completed' THEN 'done' WHEN 'failed' THEN 'failed' ELSE 'waiting' END
        FROM kimera_jobs.job j JOIN kimera.migrations m ON j.name = 'backfill-' || m.id
      $move$;
      DROP SCHEMA kimera_jobs CASCADE;
    END IF;
  END $change$;
  `,
  /*
   * Nothing refers to the source table any more, and the queue of changes is a log. The triggers, which write to it, are
   * made anew after all changes (ensure-schema.ts). A source table may be gone by now. Each is locked first, so that no
   * writer holds what is changed after it.
   */
  `
  ALTER TABLE kimera.collections
    ADD COLUMN adopted boolean NOT NULL DEFAULT false,
    -- [{ name, type, collation }], key.ts.
    ADD COLUMN key_columns jsonb,
    -- SQL over the columns of a row.
    ADD COLUMN text_expression text,
    -- The application's own vectors, and who writes them: 'keeper' or 'application'.
    ADD COLUMN vector_column text,
    ADD COLUMN vector_writer text;
  UPDATE kimera.collections SET
    key_columns = jsonb_build_array(jsonb_build_object('name', id_column, 'type', 'text', 'collation', '"pg_catalog"."C"')),
    text_expression = format('%I', text_column);
  ALTER TABLE kimera.collections
    ALTER COLUMN key_columns SET NOT NULL,
    ALTER COLUMN text_expression SET NOT NULL,
    DROP COLUMN id_column,
    DROP COLUMN text_column;

  -- What could not be captured, open until it is mended. No foreign key: triggers on the application's tables write here.
  CREATE TABLE kimera.collection_faults (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    detail text NOT NULL
  );
  CREATE INDEX faults_of_collection ON kimera.collection_faults (collection, kind);

  DO $change$
  DECLARE
    held record;
    reference record;
    key_name text;
  BEGIN
    FOR held IN
      SELECT source_schema, source_table, vectors_table, pending_table FROM kimera.collection_spaces s JOIN kimera.collections c ON c.name = s.collection ORDER BY s.collection, s.sequence
    LOOP
      IF to_regclass(format('%I.%I', held.source_schema, held.source_table)) IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', held.source_schema, held.source_table);
      END IF;
      FOR reference IN
        SELECT conrelid::regclass AS relation, conname FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN (to_regclass(format('kimera.%I', held.vectors_table)), to_regclass(format('kimera.%I', held.pending_table)))
      LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference.relation, reference.conname);
      END LOOP;
      SELECT conname INTO key_name FROM pg_constraint WHERE contype = 'p' AND conrelid = format('kimera.%I', held.pending_table)::regclass;
      EXECUTE format('ALTER TABLE kimera.%I DROP CONSTRAINT %I, ADD PRIMARY KEY (sequence)', held.pending_table, key_name);
      EXECUTE format('CREATE INDEX ON kimera.%I (id)', held.pending_table);
    END LOOP;
  END $change$;
  `,
  /*
   * Columns of the application's table that get the vectors of a space too, and the migrations that exchange the names of
   * two of them. `mirror_type` is SQL: the column's type without a dimension.
   */
  `
  ALTER TABLE kimera.collection_spaces ADD COLUMN mirror_column text, ADD COLUMN mirror_type text;
  CREATE TABLE kimera.in_place (
    migration text PRIMARY KEY REFERENCES kimera.migrations,
    -- What the operator accepted, as kind:name.
    accepted text[] NOT NULL,
    opened timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  `,
  // What adoption knows of a table of the application.
  `
  CREATE TABLE kimera.adoptions (
    collection text COLLATE "C" PRIMARY KEY REFERENCES kimera.collections,
    space text NOT NULL,
    -- How the column keeps the vectors that are copied; NULL: none is, every row is embedded.
    storage text,
    -- Of the model that was proven to have made them.
    variant text,
    tokenizer_revision smallint,
    -- The last key that was looked at, as text.
    after text,
    rows bigint NOT NULL,
    copied bigint NOT NULL DEFAULT 0,
    queued bigint NOT NULL DEFAULT 0,
    unreadable bigint NOT NULL DEFAULT 0,
    begun timestamptz NOT NULL DEFAULT now(),
    finished timestamptz
  );

  -- Statements of the application that set its vector column. No foreign key: triggers write here.
  CREATE TABLE kimera.observed_writes (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection text COLLATE "C" NOT NULL,
    operation text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX observed_writes_of_collection ON kimera.observed_writes (collection, operation, at);
  `,
  /*
   * Since when a change waits, which worker has it at hand, and rows that cannot be embedded outside of a migration. Claims
   * are not kept over a crash of the server: the rows are then embedded again.
   */
  `
  DO $change$
  DECLARE held record;
  BEGIN
    FOR held IN SELECT pending_table FROM kimera.collection_spaces ORDER BY collection, sequence LOOP
      EXECUTE format('ALTER TABLE IF EXISTS kimera.%I ADD COLUMN IF NOT EXISTS at timestamptz NOT NULL DEFAULT clock_timestamp()', held.pending_table);
    END LOOP;
  END $change$;

  CREATE UNLOGGED TABLE kimera.claims (
    collection text COLLATE "C" NOT NULL,
    space text NOT NULL,
    id text COLLATE "C" NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (collection, space, id),
    FOREIGN KEY (collection, space) REFERENCES kimera.collection_spaces ON DELETE CASCADE
  );

  CREATE TABLE kimera.rows_set_aside (
    collection text COLLATE "C" NOT NULL,
    space text NOT NULL,
    id text COLLATE "C" NOT NULL,
    content_hash bytea NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (collection, space, id),
    FOREIGN KEY (collection, space) REFERENCES kimera.collection_spaces ON DELETE CASCADE
  );
  `,
  `
  -- What the gate has counted; the texts of the queries are not kept.
  CREATE TABLE kimera.judged_queries (
    migration text NOT NULL REFERENCES kimera.migrations,
    hash bytea NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    look integer NOT NULL,
    judgements bytea NOT NULL,
    slice text NOT NULL,
    source_score double precision NOT NULL,
    source_best double precision NOT NULL,
    source_truncated boolean NOT NULL,
    target_score double precision NOT NULL,
    target_best double precision NOT NULL,
    target_truncated boolean NOT NULL,
    PRIMARY KEY (migration, hash)
  );
  `,
  // How many of the copied vectors are of a part of their text.
  `
  ALTER TABLE kimera.adoptions ADD COLUMN truncated bigint NOT NULL DEFAULT 0;
  `,
  // What the triggers of the source table were when they were made (capture.ts).
  `
  ALTER TABLE kimera.collections ADD COLUMN watch text;
  `,
];
