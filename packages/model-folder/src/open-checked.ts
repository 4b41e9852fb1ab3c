import type { InferenceBackend } from '@kimera/core';
import { checkProbes, type Probe } from './probe.js';

/** The backend once its probes hold; closed where they do not. @throws ProbeMismatchError. */
export async function openChecked<Backend extends InferenceBackend>(backend: Backend, probes: readonly Probe[]): Promise<Backend> {
  try {
    await checkProbes(backend, probes);
    return backend;
  } catch (error) {
    await backend.close();
    throw error;
  }
}
