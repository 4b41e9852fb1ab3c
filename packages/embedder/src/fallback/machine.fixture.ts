import { tokenBatch, type EmbeddingSpace, type InferenceBackend } from '@kimera/core';
import { FakeBackend, fakeSpace } from '@kimera/testing';
import type { FallbackEvent } from './backend-step.js';
import { FallbackBackend } from './fallback-backend.js';

/** What every step must serve. */
export const space = fakeSpace('asked');
const variant = { name: 'fp32', fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } } as const;
export const batch = tokenBatch([[1, 2, 3]]);
export const DENSE = { heads: ['dense'] } as const;

/** A step that can be broken and mended while it is used. */
export class Machine {
  opens = true;
  works = true;
  /** What its calls fail with, while it is set. */
  failure: Error | undefined;
  /** It opens when this is done. */
  gate: Promise<void> = Promise.resolve();
  /** Its calls wait for this, while it is set. */
  held: Promise<void> | undefined;
  closes: () => Promise<void> = () => Promise.resolve();
  /** What it opens serves this. */
  serves: EmbeddingSpace = space;
  opened = 0;
  readonly closed: string[] = [];
  constructor(
    readonly name: string,
    readonly kind: 'fp32' | 'int8' = 'fp32',
  ) {}

  readonly open = async (): Promise<InferenceBackend> => {
    if (!this.opens) throw new Error(`${this.name} does not open`);
    await this.gate;
    this.opened += 1;
    const id = `${this.name} ${this.opened}`;
    const backend = new FakeBackend({
      name: this.name,
      space: this.serves,
      variant: this.kind,
      before: async () => {
        await (this.held ?? Promise.resolve());
        if (this.failure !== undefined) throw this.failure;
        if (!this.works) throw new Error(`${this.name} died`);
      },
    });
    const close = backend.close.bind(backend);
    backend.close = () => {
      this.closed.push(id);
      return close().then(() => this.closes());
    };
    return backend;
  };
}

/** With a pause of a second after three failures, of four at most. */
export function chain(steps: readonly Machine[], events: FallbackEvent[] = []): FallbackBackend {
  return new FallbackBackend({
    space,
    variant,
    steps,
    failuresToOpen: 3,
    firstPauseMs: 1_000,
    longestPauseMs: 4_000,
    onEvent: (event) => events.push(event),
  });
}
/** Events in words. */
export const story = (events: readonly FallbackEvent[]): readonly string[] =>
  events.map((event) => `${event.step} ${event.kind}${event.kind === 'failed' ? ` ${event.failures}` : ''}`);
