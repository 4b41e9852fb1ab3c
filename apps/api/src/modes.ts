// What needs no server, and does not load one: what the environment says, and the backends that it names.
export {
  configurationProblems,
  InvalidEnvironmentError,
  parseBackendChoice,
  parseConfiguration,
  type Configuration,
} from './configuration.js';
export { ENVIRONMENT, type EnvironmentVariable } from './environment.js';
export { backendsOf } from './models/backends-of.js';
