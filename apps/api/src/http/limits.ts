import { LONGEST_PAUSE_MS } from '@kimera/embedder';
import type { Contract } from './refusals/refusals.js';

/*
 * The fixed limits of the HTTP server. Defaults of what a caller can set are beside the option: the size of a body in
 * packages/serving/src/configuration.ts, seconds in the queue in packages/embedder/src/embedder.ts.
 */

/**
 * Inputs of one request. OpenAI's is OpenAI's own limit of an embeddings request. On the routes of
 * text-embeddings-inference it is more than any client sends at once, and an answer of about 60 MB for a small model:
 * a body of 8 MB could hold two million inputs.
 */
export const MAX_INPUTS = { openai: 2_048, tei: 8_192 } as const satisfies Readonly<Record<Contract, number>>;

/** A request with more inputs goes through the bulk lane: a person waits for a few texts, a program for many. */
export const MAX_INTERACTIVE_INPUTS = 8;

/** Of a search: nobody reads more, and an index finds no more at once (hnsw.ef_search of pgvector ends there). */
export const MAX_HITS = 1_000;
export const USUAL_HITS = 10;

/** On shutdown: the time that a client has to finish sending its request, or to take its answer. */
export const CLIENT_MILLISECONDS = 10_000;
/** On shutdown: a connection that has had no request for so long is closed; its client may be about to send one. */
export const QUIET_MILLISECONDS = 500;
/** On shutdown: no new connection for so long means that the system holds none; looked at so often; and at most so long. */
export const TAKE_OVER = { quietMilliseconds: 50, lookMilliseconds: 10, milliseconds: 1_000 } as const;

/**
 * `Retry-After` in seconds where nothing better is known: before the first batch of an overloaded server, while a backend
 * is tried, while the database is away. A batch of 4,096 tokens takes about a second on two cores, and a small model about as long to open.
 */
export const USUAL_RETRY_SECONDS = 2;
/** `Retry-After` is a whole number of seconds: at least one. */
export const SHORTEST_RETRY_SECONDS = 1;
/** The longest pause before a failed backend is tried again. */
export const LONGEST_RETRY_SECONDS = LONGEST_PAUSE_MS / 1_000;

/**
 * What a JSON body may hold. The deepest that a route reads is three levels; other fields are ignored, whatever they
 * hold. The most lists are those of token ids, one an input; the most values are token ids: 8 MB hold 1.6 million of
 * four digits. At these limits `JSON.parse` takes some 50 ms.
 */
export const JSON_LIMITS = { depth: 64, containers: 20_000, fields: 20_000, values: 2_000_000 } as const;

/** What is still read of a request that is answered before all of it has come. */
export const UNREAD_BODY = { bytes: 8 << 20, milliseconds: 2_000 } as const;

/** From the end of the client's side of a connection until the server looks whether the client is still there. */
export const PROBE_MILLISECONDS = 500;
