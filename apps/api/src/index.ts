export { AddressError } from './address-error.js';
export { createApp, type AppParts } from './app.js';
export { configurationProblems, InvalidEnvironmentError, parseBackendChoice, parseConfiguration, type Configuration } from './configuration.js';
export { ENVIRONMENT, type EnvironmentVariable } from './environment.js';
export { logFallback } from './models/log-fallback.js';
export { backendsOf } from './models/open-models.js';
export { startServer, type RunningServer } from './server.js';
