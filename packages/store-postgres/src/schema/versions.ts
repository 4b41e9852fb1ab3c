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
];
