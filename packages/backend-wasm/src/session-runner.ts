import { ClosedError } from '@kimera/core';
import type { FastGraph, GroupRequest, GroupResponse, GroupRunner } from '@kimera/fast-graph';

/** Runs groups in this thread, one after the other: a session of onnxruntime-web takes one run at a time. */
export class SessionRunner implements GroupRunner {
  readonly #graph: FastGraph;
  readonly #release: () => Promise<void>;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** @param release frees the session; called once, when nothing runs any more. */
  constructor(graph: FastGraph, release: () => Promise<void>) {
    this.#graph = graph;
    this.#release = release;
  }

  /** @throws InferenceError, ClosedError. */
  call(request: GroupRequest): Promise<GroupResponse> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError('wasm'));
    const response = this.#last.then(() => this.#graph.run(request));
    this.#last = response.catch(() => undefined);
    return response;
  }

  /** Calls made before are answered. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#last.then(() => this.#release());
    return this.#closing;
  }
}
