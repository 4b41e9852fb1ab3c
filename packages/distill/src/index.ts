export { distill, type DistilledTable, type DistillOptions, type DistillProgress } from './distill.js';
export { DistillOptionsError, EigenConvergenceError } from './errors.js';
