import { ClosedError } from '@kimera/core';
import type { FastGraph } from './fast-graph.js';
import type { GraphRunner } from './graph-backend.js';
import type { RunRequest, RunResponse } from './run-request.js';

/** Runs a graph in the caller's thread, one after the other: a session of onnxruntime-web takes one run at a time. */
export class SessionRunner implements GraphRunner {
  readonly #graph: FastGraph;
  readonly #release: () => Promise<void>;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /**
   * @param name of the backend, for messages. @param release frees the session; called once, when nothing runs any
   * more.
   */
  constructor(
    private readonly name: string,
    graph: FastGraph,
    release: () => Promise<void>,
  ) {
    this.#graph = graph;
    this.#release = release;
  }

  /** @throws InferenceError, ClosedError. */
  call(runs: readonly RunRequest[]): Promise<readonly RunResponse[]> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError(this.name));
    const responses = this.#last.then(() => this.#graph.runAll(runs));
    this.#last = responses.catch(() => undefined);
    return responses;
  }

  /** Calls made before are answered. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#last.then(() => this.#release());
    return this.#closing;
  }
}
