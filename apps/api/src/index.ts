export { createApp, type AppParts } from './app.js';
export { InvalidEnvironmentError, parseConfiguration, type Configuration } from './configuration.js';
export { backendsOf } from './models/open-models.js';
export { startServer, type RunningServer } from './server.js';
