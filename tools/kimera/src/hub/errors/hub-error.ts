import { KimeraError } from '@kimera/core';

/** What can go wrong between a hub and a folder. */
export abstract class HubError extends KimeraError {
  /** `retryable`: the same request may succeed in a moment. `permanent`: it will fail again. */
  abstract readonly retry: 'permanent' | 'retryable';
}
