/*
 * The fixed values of the store that no option sets. What PGlite's thread allows its clients is in pglite/wire-server.ts;
 * the lease of a job and the rows of one are options of packages/migration.
 */

/** Connections to a server at a time: the default of node-postgres' pool. */
export const SERVER_CONNECTIONS = 10;
/** On the embedded database only one works at a time; the others wait their turn there. */
export const EMBEDDED_CONNECTIONS = 4;
/** How long a connection may take. A server that starts again is back within seconds. */
export const CONNECT_MILLISECONDS = 30_000;
/** How long an embedded store that is being opened may take until it can be joined. PGlite opens in seconds. */
export const JOIN_MILLISECONDS = 30_000;
export const JOIN_POLL_MILLISECONDS = 100;

/** No statement of the store takes minutes: one that does has met a fault, and must not hold its connection for ever. */
export const STATEMENT_MILLISECONDS = 300_000;
/** How long a server may take to end a statement that took too long, until its connection is given up. */
export const CANCEL_MILLISECONDS = 10_000;
/**
 * How long a transaction waits for a lock before it makes way: everything behind it in the queue waits too. Twice as long
 * at each further attempt, {@link LOCK_MILLISECONDS} at most.
 */
export const FIRST_LOCK_MILLISECONDS = 100;
export const LOCK_MILLISECONDS = 2_000;
/**
 * The same for a switch of spaces, behind which all writers of the collection wait, and which a signal must end within 2 s.
 * Longer than the second after which PostgreSQL ends an autovacuum that is in the way (its `deadlock_timeout`).
 */
export const SWITCH_LOCK_MILLISECONDS = 1_500;
/** How long opening a database waits for another process that makes or changes the schema. */
export const UPGRADE_MILLISECONDS = 120_000;
/** Times that a transaction runs where others stand in its way: with the pauses about 14 s of waiting, then `BusyError`. */
export const TRANSACTION_ATTEMPTS = 8;
/** Before the second attempt twice this, and twice as long before each further one, half as much more or less by chance. */
export const FIRST_PAUSE_MILLISECONDS = 20;

/**
 * Times that a job is taken. A batch that kills every worker that takes it must stop some time; one that is given back
 * during an hour of trouble must not: with the usual lease of 60 s that is more than an hour and a half of dead workers.
 */
export const JOB_ATTEMPTS = 100;
/** Rows of one INSERT: five values each, of the 65,535 that PostgreSQL allows, and some MB of vectors. */
export const ROWS_PER_STATEMENT = 500;
/** Jobs of one INSERT: their keys take some MB. */
export const JOBS_PER_STATEMENT = 10_000;

/** Entries of the log of changes that are looked at together at least: a row may be in it many times. */
export const LOG_PAGE = 256;
/** Rows compared in one go before a swap of columns. */
export const FILLED_ROWS = 1000;
/** An application that was seen to write its vector column within this long still does so. */
export const WRITES_SECONDS = 3600;
/**
 * Rows of the application's table that one transaction writes vectors into: with an HNSW index a row takes milliseconds,
 * and statements of the application on these rows wait as long.
 */
export const MIRRORED_ROWS = 16;
/** Rows that are compared with their vectors in one transaction. */
export const ROWS_PER_RECONCILED_BATCH = 2_000;
