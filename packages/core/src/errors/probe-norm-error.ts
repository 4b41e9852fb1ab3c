import { KimeraError } from './kimera-error.js';

/**
 * A backend's vector for a probe has the right direction and another length, which a cosine cannot see: a forgotten
 * normalisation, most likely (invariant 2).
 */
export class ProbeNormError extends KimeraError {
  readonly code = 'PROBE_NORM';
  readonly kind = 'internal';
  constructor(
    readonly backend: string,
    readonly fingerprint: string,
    readonly actual: number,
    readonly expected: number,
    readonly text: string,
  ) {
    super(
      `backend "${backend}" does not produce space ${fingerprint.slice(0, 12)}: a probe's vector has length ${actual.toPrecision(4)} instead of ${expected.toPrecision(4)} for ${JSON.stringify(text.slice(0, 60))}`,
      { backend, fingerprint, actual, expected, text: text.slice(0, 200) },
    );
  }
}
