import type { InferenceBackend, VariantName } from '@kimera/core';

/** One way to serve a space. */
export interface BackendStep {
  /** For logs and statistics: `onnx`, `onnx-cuda`, `wasm`. */
  readonly name: string;
  /** Opens the backend and checks its probes. */
  readonly open: () => Promise<InferenceBackend>;
}

export interface StepStatus {
  readonly name: string;
  /** `serving`: what calls get. `standby`: comes next. `out`: its circuit is open, and it is tried again. */
  readonly state: 'serving' | 'standby' | 'out';
  /** Calls that it failed since the start. */
  readonly failures: number;
  /** Why it is out. */
  readonly reason?: string;
  /** When it is tried again, milliseconds since 1970. */
  readonly retryAt?: number;
}

export interface FallbackStatus {
  readonly steps: readonly StepStatus[];
  /** True where the first step does not serve. */
  readonly degraded: boolean;
  /** Times that another step began to serve, the way back to the first included. */
  readonly changes: number;
}

/** What is worth a line in a log. */
export type FallbackEvent =
  /** A call failed on a step and goes on to the next. */
  | { readonly kind: 'failed'; readonly step: string; readonly failures: number; readonly error: Error }
  /** A step does not open, or failed too often. */
  | { readonly kind: 'out'; readonly step: string; readonly error: Error; readonly retryAt: number | undefined }
  /** A step serves from now on, instead of another. */
  | {
      readonly kind: 'serving';
      readonly step: string;
      readonly variant: VariantName;
      readonly insteadOf: string | undefined;
      readonly degraded: boolean;
    };
