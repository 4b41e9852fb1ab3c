export { checkGraph, checkInt8, type ServedVariant } from './check-graph.js';
export { type EqualLengthGroup, equalLengthGroups } from './equal-length-groups.js';
export { graphErrors, InferenceError, ModelLoadError } from './errors.js';
export { FastGraph } from './fast-graph.js';
export { GraphBackend, type GraphBackendParts, type GraphRunner, type SessionsOfBatch } from './graph-backend.js';
export type { GraphInput, GraphOutput, GraphSession } from './graph-session.js';
export type { GroupSize, RunRequest, RunResponse } from './run-request.js';
export { SessionRunner } from './session-runner.js';
