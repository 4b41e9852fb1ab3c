import {
  BackendLimitError,
  type BackendOutput,
  ClosedError,
  type EmbeddingSpace,
  type HeadRequest,
  type InferenceBackend,
  InvalidTokenBatchError,
  type TokenBatch,
  UnnormalizedOutputError,
  UnsupportedHeadError,
  type Variant,
} from '@kimera/core';
import { NoBackendError } from '../errors.js';
import type { BackendStep, FallbackEvent, FallbackStatus } from './backend-step.js';
import { FAILURES_TO_OPEN, FIRST_PAUSE_MS, LONGEST_PAUSE_MS } from './circuit.js';
import type { Lease } from './lease.js';
import { Step } from './step.js';

/** Errors of the call, which every backend of the folder would give. */
const CALLERS_ERRORS = [InvalidTokenBatchError, UnsupportedHeadError, UnnormalizedOutputError];

export interface FallbackOptions {
  readonly space: EmbeddingSpace;
  /** What `variant` says before a step has opened: the folder's first. */
  readonly variant: Variant;
  /** In the order in which they are wanted. */
  readonly steps: readonly BackendStep[];
  readonly failuresToOpen?: number;
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
  readonly onEvent?: (event: FallbackEvent) => void;
}

/**
 * One space on several backends: the first that works serves. A call that fails on one goes on to the next; after a few
 * failures in a row a backend is let go, and opened again, probes included, after a pause. None but the space is ever
 * served: a backend of another is refused.
 */
export class FallbackBackend implements InferenceBackend {
  readonly space: EmbeddingSpace;
  readonly #steps: readonly Step[];
  readonly #onEvent: (event: FallbackEvent) => void;
  #variant: Variant;
  #serving: Step | undefined;
  /** Name of the step that served last. */
  #last: string | undefined;
  #changes = 0;
  #closed = false;

  constructor({
    space,
    variant,
    steps,
    failuresToOpen = FAILURES_TO_OPEN,
    firstPauseMs = FIRST_PAUSE_MS,
    longestPauseMs = LONGEST_PAUSE_MS,
    onEvent = () => undefined,
  }: FallbackOptions) {
    this.space = space;
    this.#variant = variant;
    this.#onEvent = onEvent;
    this.#steps = steps.map(
      (step) =>
        new Step(step, space, { failuresToOpen, firstPauseMs, longestPauseMs }, (changed) =>
          this.#circuitChanged(changed),
        ),
    );
  }

  /** Of the step that serves. */
  get name(): string {
    return this.#serving?.backend?.name ?? 'none';
  }
  /** Of the step that serves; an output names its own, since the step may change while it is computed. */
  get variant(): Variant {
    return this.#variant;
  }
  get status(): FallbackStatus {
    return {
      steps: this.#steps.map((step) => {
        const {
          name,
          failures,
          circuit: { reason, retryAt, state },
        } = step;
        return {
          name,
          failures,
          state: step === this.#serving ? 'serving' : state === 'closed' ? 'standby' : 'out',
          ...(reason === undefined ? {} : { reason: reason.message }),
          ...(retryAt === undefined ? {} : { retryAt }),
        };
      }),
      degraded: this.#serving !== this.#steps[0],
      changes: this.#changes,
    };
  }

  /**
   * Opens the first step that can be opened. @throws NoBackendError where none can, of a single step its own error:
   * then all are tried again after their pauses, until `close`.
   */
  async start(): Promise<void> {
    for (const step of this.#steps) {
      try {
        await step.acquire();
      } catch (error) {
        this.#didNotOpen(step, error as Error);
        continue;
      }
      this.#serve();
      return;
    }
    const [only] = this.#steps;
    throw this.#steps.length === 1 && only?.circuit.reason !== undefined ? only.circuit.reason : this.#noBackend();
  }

  /**
   * @throws NoBackendError where no step can compute it, BackendLimitError where all work and it is beyond each; the
   * caller's errors at once, from the first step.
   */
  async run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
    const failed: string[] = [];
    const limits: BackendLimitError[] = [];
    for (const step of this.#steps) {
      this.#throwIfClosed();
      if (step.circuit.state !== 'closed') continue;
      let lease: Lease;
      try {
        lease = await step.acquire();
      } catch (error) {
        this.#didNotOpen(step, error as Error);
        continue;
      }
      // Counted on the lease before anything else runs, so that it is not closed in between.
      const call = lease.use(async (backend) => ({
        variant: backend.variant.name,
        ...(await backend.run(batch, request)),
      }));
      this.#serve();
      try {
        const output = await call;
        if (step.holds(lease)) step.circuit.success();
        if (step !== this.#serving) step.releaseLater(() => step === this.#serving);
        return output;
      } catch (error) {
        this.#throwIfClosed();
        if (CALLERS_ERRORS.some((kind) => error instanceof kind)) throw error;
        if (error instanceof BackendLimitError) limits.push(error);
        else this.#failed(step, lease, error as Error);
        failed.push(`${step.name}: ${(error as Error).message}`);
      }
    }
    const [limit] = limits.slice(-1);
    // Every backend was asked and works, and none takes this batch: that does not change with time.
    if (limit !== undefined && limits.length === this.#steps.length) throw limit;
    throw this.#noBackend(failed);
  }

  /** Calls under way are rejected. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#steps.map((step) => step.close()));
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new ClosedError('the backend');
  }

  #didNotOpen(step: Step, error: Error): void {
    this.#throwIfClosed();
    if (step.circuit.state === 'closed') step.circuit.open(error);
  }

  #failed(step: Step, lease: Lease, error: Error): void {
    step.failures += 1;
    // What was let go meanwhile fails its last calls: that says nothing about what took its place.
    if (step.circuit.state !== 'closed' || !step.holds(lease)) return;
    this.#onEvent({ kind: 'failed', step: step.name, failures: step.circuit.failures + 1, error });
    step.circuit.failure(error);
  }

  #circuitChanged(step: Step): void {
    if (this.#closed) return;
    const { state, reason, retryAt } = step.circuit;
    if (state === 'open' && reason !== undefined) {
      step.release();
      if (this.#serving === step) this.#serving = undefined;
      this.#onEvent({ kind: 'out', step: step.name, error: reason, retryAt });
    }
    this.#serve();
  }

  /** The first step that is open and whose circuit is closed serves; those behind it are let go. */
  #serve(): void {
    const index = this.#steps.findIndex(({ circuit, backend }) => circuit.state === 'closed' && backend !== undefined);
    const step = this.#steps[index];
    if (step?.backend === undefined || step === this.#serving || this.#closed) return;
    const insteadOf = this.#last;
    this.#serving = step;
    this.#variant = step.backend.variant;
    this.#last = step.name;
    if (insteadOf !== undefined) this.#changes += 1;
    for (const behind of this.#steps.slice(index + 1)) behind.release();
    this.#onEvent({
      kind: 'serving',
      step: step.name,
      variant: step.backend.variant.name,
      insteadOf,
      degraded: index > 0,
    });
  }

  #noBackend(failed: readonly string[] = []): NoBackendError {
    const out = this.#steps.flatMap(({ name, circuit: { reason } }) =>
      reason === undefined ? [] : [`${name}: ${reason.message}`],
    );
    // Where a step is in use, or is being tried, nobody knows when it works.
    const retries = this.#steps.flatMap(({ circuit: { retryAt } }) => retryAt ?? []);
    return new NoBackendError(
      this.space,
      [...new Set([...failed, ...out])],
      retries.length < this.#steps.length ? undefined : Math.min(...retries),
    );
  }
}
