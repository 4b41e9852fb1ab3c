import { KimeraError } from './kimera-error.js';

/**
 * A batch that its space takes and this backend cannot compute; another backend of the space may. It says nothing about
 * the backend's health.
 */
export abstract class BackendLimitError extends KimeraError {}
