import { KimeraError } from './kimera-error.js';

/** A backend's vectors for the recorded probes are not those of the space: it must not serve (invariant 2). */
export class ProbeMismatchError extends KimeraError {
  readonly code = 'PROBE_MISMATCH';
  readonly kind = 'internal';
  constructor(
    readonly backend: string,
    readonly fingerprint: string,
    readonly worstCosine: number,
    readonly floor: number,
    readonly text: string,
  ) {
    super(
      `backend "${backend}" does not produce space ${fingerprint.slice(0, 12)}: probe cosine ${worstCosine.toFixed(6)} is below ${floor} for ${JSON.stringify(text.slice(0, 60))}`,
      { backend, fingerprint, worstCosine, floor, text: text.slice(0, 200) },
    );
  }
}
